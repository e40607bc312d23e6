"""Writes the page: fills page.html with the parts made from a results folder."""

import base64
import hashlib
import importlib.resources
import pathlib
import shlex
import string
from collections.abc import Iterator, Mapping

from vggish_inversion import folders
from vggish_inversion.report.clips import color_range, load_clips
from vggish_inversion.report.listening import color_bar, failures, layer_strip, utterance_section
from vggish_inversion.report.markup import Content, Html, escape, join, tag
from vggish_inversion.report.overview import depth_curves, finding, summary_table
from vggish_inversion.report.results import Results, read_results


def write_page(
    results_dir: str | pathlib.Path,
    output_path: str | pathlib.Path | None = None,
    *,
    title: str | None = None,
    max_media_megabytes: float = 30.0,
) -> pathlib.Path:
    """Writes one HTML page that holds all of a results folder and needs no network.

    Args:
        results_dir: a folder that evaluation wrote.
        output_path: the page; `index.html` in the results folder if None.
        title: the page's heading; the question, asked of the run's target, if None.
        max_media_megabytes: how much sound and pictures may add. Utterances beyond that keep
            their transcripts and scores, and the page says so. The first is always heard.

    Returns:
        The page's path.

    Raises:
        ReportError: if the folder or one of its tables is missing, empty or malformed.
    """
    results = read_results(results_dir)
    path = pathlib.Path(output_path) if output_path else results.folder / "index.html"
    page = _page(results, title or _question(results), max_bytes=round(max_media_megabytes * 1e6))
    path.parent.mkdir(parents=True, exist_ok=True)
    with folders.write_file(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    return path


def _page(results: Results, title: str, *, max_bytes: int) -> str:
    clips = load_clips(results, max_bytes=max_bytes)
    low, high = color_range(clips)
    sections = [
        utterance_section(results, utterance, clips.get(utterance), index=index, low=low, high=high)
        for index, utterance in enumerate(results.reconstructions, start=1)
    ]
    script = _resource("player.js")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return string.Template(_resource("page.html")).substitute(
        title=escape(title),
        # Nothing but this very script may run, whatever a transcript holds.
        script_hash=f"sha256-{digest}",
        style=_resource("style.css"),
        script=script,
        finding=escape(finding(results)),
        facts=_facts(results),
        table=summary_table(results),
        failures=escape(failures(results)),
        curves=depth_curves(results),
        strip=layer_strip(results),
        color_bar=color_bar(low, high),
        room=_room(len(clips), len(sections)),
        utterances=join(*sections),
        run=_run(results.run),
    )


def _resource(name: str) -> str:
    return importlib.resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _distinct(results: Results, field: str) -> str:
    values = (getattr(row.variant, field) for row in results.summaries)
    return ", ".join(dict.fromkeys(value for value in values if value))


def _question(results: Results) -> str:
    target = _distinct(results, "target") or "the network"
    return f"What does {target} still know about the speech it heard?"


def _facts(results: Results) -> Html:
    facts = (
        ("target", _distinct(results, "target")),
        ("preset", _distinct(results, "preset")),
        ("loss", _distinct(results, "loss")),
        ("vocoder", _distinct(results, "vocoder")),
        ("recogniser", _distinct(results, "asr")),
        ("utterances", str(len(results.reconstructions))),
    )
    return tag(
        "dl",
        *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value),
        class_="facts",
    )


def _room(num_heard: int, num_utterances: int) -> Html:
    if num_heard == num_utterances:
        return Html("")
    return tag(
        "p",
        f"To keep the page small, the first {num_heard} of {num_utterances} utterances can be "
        "heard and seen here; the others have their transcripts and scores. All the clips are in "
        "the results folder, under audio/.",
        class_="note notice",
    )


def _run(run: Mapping | None) -> Html:
    if run is None:
        return tag(
            "p", "run.json is missing or unreadable: the settings are unknown.", class_="problem"
        )
    command = run.get("command")
    if isinstance(command, list):
        command = shlex.join(str(part) for part in command)
    versions = run.get("versions")
    settings = {
        key: value
        for key, value in run.items()
        if key != "command" and not (key == "versions" and isinstance(versions, Mapping))
    }
    if isinstance(settings.get("settings"), Mapping):
        settings |= settings.pop("settings")
    return join(
        tag("pre", tag("code", command), tabindex=0, aria_label="Command") if command else None,
        tag(
            "div",
            _pairs("Settings", settings),
            _pairs("Versions", versions) if isinstance(versions, Mapping) else None,
            class_="pairs",
        ),
    )


def _pairs(heading: str, values: Mapping) -> Html:
    rows = [
        tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in _flat(values)
    ]
    return tag("table", tag("caption", heading), tag("tbody", *rows))


def _flat(values: Mapping, prefix: str = "") -> Iterator[tuple[str, Content]]:
    """Nested settings as `outer.inner` and a value to read."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, list):
            yield name, ", ".join(str(item) for item in value)
        else:
            yield name, "–" if value is None or value == "" else str(value)
