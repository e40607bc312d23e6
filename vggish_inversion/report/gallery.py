"""Pages of the documentation site, one per target: its figures, and sentences to listen to."""

import collections
import html
import io
import pathlib
import re
from collections.abc import Collection, Sequence

from vggish_inversion.report.clips import color_range, load_clips
from vggish_inversion.report.labels import WER, label_conditions
from vggish_inversion.report.spectrogram import spectrogram_png
from vggish_inversion.report.tables import markdown_table, results_table
from vggish_inversion.results import Condition, Reconstruction, Results, ResultsError

_HEADER = ("from", "look and listen", "recognised")
_MP3_COMPRESSION = 0.7  # 0 keeps most, 1 is smallest: about 30 kbit/s for speech at 16 kHz


def write_gallery(
    folders: Sequence[Results],
    output_dir: str | pathlib.Path,
    *,
    speech: str,
    utterances: Collection[str],
) -> list[pathlib.Path]:
    """Writes a Markdown page per target, with small sounds and pictures below `media/`.

    Args:
        folders: results folders of any targets and corpora; all are in the tables of their targets.
        output_dir: receives `TARGET.md` and `media/TARGET/`.
        speech: name of the corpus whose recordings may be published; the folders measured on it
            are listened to.
        utterances: of it, in the order wanted.

    Returns:
        The pages.

    Raises:
        ResultsError: if a target has no such folder, or the folder lacks a recording.
    """
    by_target: dict[str, list[Results]] = collections.defaultdict(list)
    for results in folders:
        by_target[results.summaries[0].condition.target].append(results)
    output_dir = pathlib.Path(output_dir)
    pages = []
    for target, own in by_target.items():
        heard = [results for results in own if results.clips.split(",")[0] == speech]
        if not heard:
            raise ResultsError(
                f"no results of {target} on {speech} to listen to; run scripts/evaluate.py "
                f"--target={target} --data_dir=scripts/{speech} --split=all"
            )
        slug = re.sub(r"\W+", "-", target)
        listening = [
            _utterance(results, name, output_dir / "media" / slug)
            for results in heard
            for name in utterances
        ]
        path = output_dir / f"{slug}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_page(target, own, heard, listening), encoding="utf-8")
        pages.append(path)
    return pages


def _page(target: str, own: list[Results], heard: list[Results], listening: list[str]) -> str:
    parts = [
        f"# {target}",
        f"What the taps of `{target}` still know of speech: figures, and sentences to hear.\n"
        "`natural` is the recording, `true_log_mel` the vocoder on the log-mel that no network\n"
        "has touched, which is what a perfect inverter would score.",
        "## Figures",
        "Each figure has its 95 % interval, a bootstrap over the n utterances.",
        results_table(own),
        "STOI and log-mel L1 (nats) compare what is heard with the recording:",
        results_table(own, ("stoi", "log_mel_l1")),
        "## Listen",
        "Start another player while one is playing: it takes over where that one was.",
        *listening,
        "The clips were made by",
        "\n".join(f"    {results.command}" for results in heard),
        "and this page by `tools/make_results_pages.py`.",
    ]
    return "\n\n".join(parts) + "\n"


def _utterance(results: Results, name: str, media_dir: pathlib.Path) -> str:
    """One sentence: what was said, and a table with a row per condition."""
    if name not in results.reconstructions:
        there = ", ".join(results.reconstructions)
        raise ResultsError(f"{results.folder}: no utterance {name!r}; there are: {there}")
    rows = results.reconstructions[name]
    labels = label_conditions([row.condition for row in results.summaries])
    clips = load_clips(results, name)
    low, high = color_range({name: clips})
    lines = []
    for condition, row in rows.items():
        clip = clips[condition]
        if clip.wav is None or clip.log_mel is None:
            problem = clip.wav_problem or clip.log_mel_problem
            raise ResultsError(f"{results.folder}: {name}, {labels[condition]}: {problem}")
        stem = f"{name}-{_slug(condition)}"
        media_dir.mkdir(parents=True, exist_ok=True)
        _write_mp3(media_dir / f"{stem}.mp3", clip.wav)
        # What the vocoders were given is the same for all of them.
        seen = f"{name}-{_slug(condition, heard=False)}"
        picture = spectrogram_png(clip.log_mel, low=low, high=high)
        (media_dir / f"{seen}.png").write_bytes(picture)
        media = f"media/{media_dir.name}"
        lines.append(_line(row, labels[condition], f"{media}/{stem}.mp3", f"{media}/{seen}.png"))
    said = next(row.reference for row in rows.values())
    return f"### {html.escape(said)}\n\n{markdown_table(_HEADER, lines)}"


def _line(row: Reconstruction, label: str, sound: str, seen: str) -> list[str]:
    name = html.escape(f"{row.utterance}, {label}")
    player = f'<audio controls preload="none" src="{sound}" aria-label="{name}"></audio>'
    picture = f'<img src="{seen}" alt="log-mel spectrogram: {name}" loading="lazy">'
    rate = "" if row.wer is None else f"WER of this sentence {WER.write(row.wer)} %: "
    return [label, f"{picture}{player}", f"{rate}{html.escape(row.transcript) or '(nothing)'}"]


def _slug(condition: Condition, *, heard: bool = True) -> str:
    parts = (condition.layer, condition.preset, condition.loss)
    parts += (condition.vocoder, condition.asr) if heard else ()
    return re.sub(r"\W+", "-", "-".join(filter(None, parts)))


def _write_mp3(path: pathlib.Path, wav: bytes) -> None:
    """Every browser plays MP3, which is a tenth of the wav."""
    import soundfile

    samples, rate_hz = soundfile.read(io.BytesIO(wav), dtype="float32")
    soundfile.write(
        path,
        samples,
        rate_hz,
        format="MP3",
        bitrate_mode="VARIABLE",
        compression_level=_MP3_COMPRESSION,
    )
