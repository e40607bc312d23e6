"""The lower part of the page: each utterance, heard and seen through every layer."""

import base64
from collections.abc import Mapping, Sequence

import numpy as np

from vggish_inversion import metrics
from vggish_inversion.report.alignment import mark_words, marks_to_html
from vggish_inversion.report.clips import Clip
from vggish_inversion.report.figures import spectrogram_png
from vggish_inversion.report.markup import Html, join, tag
from vggish_inversion.report.overview import label_variants, score_html
from vggish_inversion.report.results import Reconstruction, Results, Summary, Variant

# The keys that switch layers; further layers are reached with the buttons and the brackets.
_KEYS = "1234567890"


def data_uri(contents: bytes, media_type: str) -> str:
    """Contents as an address that needs neither a file nor a network."""
    return f"data:{media_type};base64,{base64.b64encode(contents).decode('ascii')}"


def layer_strip(results: Results) -> Html:
    """The bar that stays in view: every layer with its word error rate, as a switch."""
    labels = label_variants([row.variant for row in results.summaries])
    return join(*(_strip_button(index, row, labels) for index, row in enumerate(results.summaries)))


def color_bar(low: float, high: float) -> Html:
    """The colour scale that all the spectrograms share."""
    ramp = np.linspace(low, high, 256, dtype=np.float32)[:, None]
    picture = data_uri(spectrogram_png(ramp, low=low, high=high), "image/png")
    return tag(
        "span",
        f"{low:g}",
        tag("img", src=picture, alt="dark to bright", width=96, height=10),
        f"{high:g} nats",
        class_="color-bar",
    )


def utterance_section(
    results: Results,
    utterance: str,
    clips: Mapping[Variant, Clip] | None,
    *,
    index: int,
    low: float,
    high: float,
) -> Html:
    """One utterance: what was said, then a row per variant.

    Args:
        results: the folder.
        utterance: its id.
        clips: by variant; None if the page has no room for this utterance's sounds.
        index: its place on the page, for links.
        low: the log-mel value of the darkest colour.
        high: the value of the brightest.

    Returns:
        A `section` element.
    """
    variants = [row.variant for row in results.summaries]
    reconstructions = results.reconstructions[utterance]
    # A row whose key is not in the summary is still a result, and must not go missing.
    variants += [variant for variant in reconstructions if variant not in variants]
    labels = label_variants(variants)
    longest = max((clip.seconds for clip in (clips or {}).values()), default=0.0)
    reference = next((row.reference for row in reconstructions.values() if row.reference), "")
    heading = f"utterance-{index}"
    rows = [
        _take(
            reconstructions.get(variant),
            variant.layer,
            labels[variant],
            clips.get(variant) if clips else None,
            position=position,
            longest=longest,
            span=(low, high),
        )
        for position, variant in enumerate(variants)
    ]
    return tag(
        "section",
        tag("h3", utterance, id=heading),
        tag("p", reference or "(no reference text)", class_="said-text"),
        _time_axis(longest) if clips else None,
        tag("ol", *rows, class_="takes"),
        class_="utterance" if clips is not None else "utterance text-only",
        aria_labelledby=heading,
    )


def failures(results: Results) -> Html | None:
    """The rows without a result, with their reasons; None if there are none."""
    variants = [row.variant for row in results.summaries]
    failed = [
        row for rows in results.reconstructions.values() for row in rows.values() if not row.is_ok
    ]
    if not failed:
        return None
    labels = label_variants([*variants, *(row.variant for row in failed)])
    items = [
        tag("li", tag("b", row.utterance), f", {labels[row.variant]}: {row.status}")
        for row in failed
    ]
    num_rows = sum(len(rows) for rows in results.reconstructions.values())
    return tag(
        "details",
        tag("summary", f"{len(failed)} of {num_rows} reconstructions failed"),
        tag("ul", *items),
        class_="failures",
        open=len(failed) <= 10,
    )


def _strip_button(position: int, row: Summary, labels: Mapping[Variant, str]) -> Html:
    return tag(
        "button",
        tag("span", labels[row.variant], class_="name"),
        tag("span", score_html(row.scores.wer, 100, 0), " %", class_="rate"),
        type="button",
        data_switch=position,
        aria_pressed="false",
        class_="reference" if row.variant.is_reference else None,
    )


def _key_hint(position: int) -> Html | None:
    return tag("kbd", _KEYS[position], aria_hidden="true") if position < len(_KEYS) else None


def _take(
    row: Reconstruction | None,
    layer: str,
    label: str,
    clip: Clip | None,
    *,
    position: int,
    longest: float,
    span: tuple[float, float],
) -> Html:
    if row is None:
        body = tag("p", "Not evaluated: results.csv has no row for it.", class_="problem")
        header = _take_header(None, label, None, position)
        return tag("li", header, body, class_="take", data_layer=layer)
    sound = None
    # A failure that left nothing to hear or see needs no more than its reason.
    if clip and (row.is_ok or clip.wav or clip.log_mel is not None):
        sound = _sound(clip, f"{row.utterance}, {label}", longest, span)
    return tag(
        "li",
        _take_header(row, label, clip, position),
        sound,
        _transcript(row),
        class_="take" if row.is_ok else "take failed",
        data_position=position,
        data_layer=layer,
    )


def _take_header(row: Reconstruction | None, label: str, clip: Clip | None, position: int) -> Html:
    name = tag("span", label, class_="name")
    if clip and clip.wav:
        name = tag(
            "button",
            _key_hint(position),
            name,
            type="button",
            data_switch=position,
            aria_pressed="false",
            aria_label=f"Listen to {label}",
        )
    score = counts = None
    if row is not None and row.is_ok and row.scores.wer is not None:
        score = tag("p", "WER ", score_html(row.scores.wer, 100, 1), " %", class_="rate")
        counts = tag("p", _counts(row), class_="counts")
    return tag("div", tag("h4", name), score, counts, class_="take-header")


def _counts(row: Reconstruction) -> str:
    found = (
        (row.substitutions, "substituted"),
        (row.deletions, "missing"),
        (row.insertions, "inserted"),
    )
    errors = ", ".join(f"{count} {kind}" for count, kind in found if count) or "no error"
    return f"{row.num_words} words: {errors}" if row.num_words else errors


def _transcript(row: Reconstruction) -> Html:
    if not row.is_ok:
        return tag("p", tag("strong", "Failed: "), row.status, class_="transcript problem")
    reference = metrics.normalize_text(row.reference)
    heard = metrics.normalize_text(row.transcript)
    if not reference:  # nothing to compare with, so nothing is wrong
        return tag("p", row.transcript or "Nothing was recognised.", class_="transcript")
    words = marks_to_html(mark_words(reference, heard))
    nothing = tag("span", "Nothing was recognised. ", class_="problem") if not heard else None
    return tag("p", nothing, words, class_="transcript")


def _sound(clip: Clip, name: str, longest: float, span: tuple[float, float]) -> Html:
    if clip.log_mel is None:
        picture = tag("p", clip.log_mel_problem, class_="problem empty")
    else:
        num_frames, num_bands = clip.log_mel.shape
        share = clip.seconds / longest if clip.wav and longest else 1.0
        image = tag(
            "img",
            src=data_uri(spectrogram_png(clip.log_mel, low=span[0], high=span[1]), "image/png"),
            width=num_frames,
            height=num_bands,
            alt=f"Log-mel spectrogram: {name}",
            decoding="async",
        )
        picture = tag(
            "div",
            image,
            tag("span", class_="playhead", aria_hidden="true"),
            class_="picture",
            style=f"--share:{share:.4f}",
        )
    if clip.wav is None:
        player = tag("p", clip.wav_problem, class_="problem")
    else:
        player = tag(
            "audio",
            controls=True,
            # Phones allow few open players; player.js asks for the lengths where there is room.
            preload="none",
            src=data_uri(clip.wav, "audio/wav"),
            aria_label=name,
            data_seconds=f"{clip.seconds:.4f}",
        )
    return tag("div", picture, player, class_="sound")


def _time_axis(longest: float) -> Html | None:
    if not longest:
        return None
    step = next((step for step in (0.5, 1, 2, 5, 10, 20) if longest / step <= 8), 60)
    ticks: Sequence[float] = np.arange(0, longest, step).tolist()
    # The last label would stand over the end of the axis.
    marks = [
        tag("span", f"{tick:g} s", style=f"left:{100 * tick / longest:.2f}%")
        for tick in ticks
        if tick / longest < 0.96
    ]
    return tag("div", *marks, class_="time-axis", aria_hidden="true")
