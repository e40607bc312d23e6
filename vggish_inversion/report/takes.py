"""One row of an utterance: its player, its picture and its words, through one condition."""

from vggish_inversion import metrics
from vggish_inversion.report.alignment import mark_words, marks_to_html
from vggish_inversion.report.clips import Clip
from vggish_inversion.report.labels import WER, number_html
from vggish_inversion.report.markup import Html, tag
from vggish_inversion.report.spectrogram import data_uri, spectrogram_png
from vggish_inversion.results import Reconstruction

# The keys that switch layers; further layers are reached with the buttons and the brackets.
_KEYS = "1234567890"


def take(
    row: Reconstruction | None,
    layer: str,
    label: str,
    clip: Clip | None,
    *,
    position: int,
    longest: float,
    span: tuple[float, float],
) -> Html:
    """One row of an utterance: how it sounds, looks and reads through one condition.

    Args:
        row: the measurement; None if there is none.
        layer: the condition's.
        label: what the page calls the condition.
        clip: its sound and log-mel; None if the page has no room for them.
        position: of the condition, for the keys and the bar.
        longest: seconds of the utterance's longest clip, which fills the width.
        span: log-mel values of the darkest and the brightest colour.

    Returns:
        An `li` element.
    """
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
    if row is not None and row.is_ok and row.wer is not None:
        score = tag("p", "WER ", number_html(row.wer, WER), " %", class_="rate")
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
    try:
        reference = metrics.normalize_text(row.reference, row.rules)
        heard = metrics.normalize_text(row.transcript, row.rules)
    except ValueError as error:  # such as rules of a package that is not installed here
        problem = tag("span", f" Not compared: {error}.", class_="problem")
        return tag("p", row.transcript, problem, class_="transcript")
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


def _key_hint(position: int) -> Html | None:
    return tag("kbd", _KEYS[position], aria_hidden="true") if position < len(_KEYS) else None
