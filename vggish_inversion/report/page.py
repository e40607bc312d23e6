"""Writes the page: fills page.html with the parts made from a results folder."""

import base64
import hashlib
import importlib.resources
import pathlib
import shlex
import string
from collections.abc import Callable, Iterator, Mapping, Sequence

from vggish_inversion.files import apart, folders
from vggish_inversion.report.clips import color_range, fitting_clips
from vggish_inversion.report.depth import depth_curves
from vggish_inversion.report.differences import differences_section
from vggish_inversion.report.extra import ExtraTable, extra_section
from vggish_inversion.report.listening import failures, layer_strip, utterance_section
from vggish_inversion.report.markup import Content, Html, breakable, escape, join, tag
from vggish_inversion.report.numbers import downloads, is_numbers_json, numbers_json
from vggish_inversion.report.overview import finding, summary_table
from vggish_inversion.report.spectrogram import color_bar
from vggish_inversion.results import PARTS, Results, ResultsError, read_results

# What every page has said of itself, behind its style.
_MARK = b"CNN inversion report"
_MAX_HEAD_BYTES = 200_000


def write_page(
    results_dir: str | pathlib.Path,
    output_path: str | pathlib.Path | None = None,
    *,
    title: str | None = None,
    max_media_megabytes: float = 30.0,
    extra_tables: Sequence[ExtraTable] = (),
) -> pathlib.Path:
    """Writes one HTML page that holds all of a results folder and needs no network.

    Beside it, under the same name with `.json`, are its numbers for programs.

    Args:
        results_dir: a folder that evaluation wrote.
        output_path: the page; `index.html` in the results folder if None.
        title: the page's heading; the question, asked of the run's target, if None.
        max_media_megabytes: how much sound and pictures may add. Utterances beyond that keep
            their transcripts and scores, and the page says so. The first is always heard.
        extra_tables: shown behind the folder's own.

    Returns:
        The page's path.

    Raises:
        ResultsError: if the folder or one of its tables is missing, empty or malformed.
        apart.OverlapError: if the page or its numbers would be written over a file of others.
    """
    results = read_results(results_dir)
    path = pathlib.Path(output_path) if output_path else results.folder / "index.html"
    title = title or _question(results)
    numbers = path.with_suffix(".json")
    if numbers == path:
        raise ResultsError(f"{path}: that is the name of the page's numbers; name it .html")
    parts = [results.folder / name for name in PARTS]
    apart.check_apart(read=parts, written=[path, numbers])
    _check_own(path, lambda head: _MARK in head)
    _check_own(numbers, is_numbers_json)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_text(numbers, numbers_json(results, title))
    max_bytes = round(max_media_megabytes * 1e6)
    _write_text(path, _page(results, title, max_bytes=max_bytes, extra_tables=extra_tables))
    return path


def _check_own(path: pathlib.Path, is_own: Callable[[bytes], bool]) -> None:
    """Makes sure that a file of that name, if there is one, is of an earlier page."""
    head = path.read_bytes()[:_MAX_HEAD_BYTES] if path.is_file() else b""
    if head and not is_own(head):
        raise apart.OverlapError(
            f"{path} is there already, and not of this program; name another --output"
        )


def _write_text(path: pathlib.Path, text: str) -> None:
    """Writes a file, whole or not at all."""
    with folders.write_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _page(
    results: Results, title: str, *, max_bytes: int, extra_tables: Sequence[ExtraTable]
) -> str:
    clips = fitting_clips(results, max_bytes=max_bytes)
    low, high = color_range(clips)
    sections = [
        utterance_section(results, utterance, clips.get(utterance), index=index, low=low, high=high)
        for index, utterance in enumerate(results.reconstructions, start=1)
    ]
    script = _resource("player.js")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return string.Template(_resource("page.html")).substitute(
        title=escape(title),
        heading=breakable(title),
        # Nothing but this very script may run, whatever a transcript holds.
        script_hash=f"sha256-{digest}",
        style=_resource("style.css"),
        script=script,
        finding=escape(finding(results)),
        facts=_facts(results),
        table=summary_table(results),
        failures=escape(failures(results)),
        curves=depth_curves(results),
        differences=escape(differences_section(results)),
        extras=join(*(extra_section(table, index) for index, table in enumerate(extra_tables))),
        differences_link=escape(
            tag("a", "Differences", href="#differences") if results.comparisons else None
        ),
        downloads=downloads(results),
        strip=layer_strip(results),
        color_bar=color_bar(low, high),
        room=_room(len(clips), len(sections)),
        utterances=join(*sections),
        run=_run(results.run),
    )


def _resource(name: str) -> str:
    return importlib.resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _distinct(results: Results, field: str) -> str:
    values = (getattr(row.condition, field) for row in results.summaries)
    return ", ".join(dict.fromkeys(value for value in values if value))


def _question(results: Results) -> str:
    target = _distinct(results, "target") or "the network"
    return f"What does {target} still know about the speech it heard?"


def _facts(results: Results) -> Html:
    facts = (
        ("target", _distinct(results, "target")),
        ("preset", _distinct(results, "preset")),
        ("loss", _distinct(results, "loss")),
        ("views", _views(results)),
        ("vocoder", _distinct(results, "vocoder")),
        ("recogniser", _distinct(results, "asr")),
        ("utterances", str(len(results.reconstructions))),
    )
    return tag(
        "dl",
        *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value),
        class_="facts",
    )


def _views(results: Results) -> str:
    """The inverters that see their tap on several patches: "layer_3 large (17 patches)"."""
    several = [
        f"{row.condition.layer} {row.condition.preset} ({views} patches)"
        for row in results.summaries
        if (views := results.views(row.condition) or 1) > 1
    ]
    return ", ".join(dict.fromkeys(several))


def _room(num_heard: int, num_utterances: int) -> Html:
    if num_heard == num_utterances:
        return Html("")
    return tag(
        "p",
        f"To keep the page small, the first {num_heard} of {num_utterances} utterances can be "
        "heard and seen here, and the others have their transcripts and scores; "
        "make_report.py --max_media_megabytes= makes room for more. All the clips are in the "
        "results folder, under audio/.",
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
