"""The same measuring as an Apache Beam pipeline, for corpora that want many machines.

Utterances are spread over workers; each loads target, inverters, vocoders and recognisers once, and
gives back rows. The paths of corpus and inverters must mean the same to every worker.
"""

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vggish_inversion import metrics, results
from vggish_inversion.data import corpora
from vggish_inversion.evaluation import (
    freshness,
    measure,
    recognition,
    rendering,
    stopwatch,
    tables,
)
from vggish_inversion.evaluation import grid as grids
from vggish_inversion.files import contents, folders
from vggish_inversion.inverters import origin
from vggish_inversion.inverters import run as inverter_run

try:
    import apache_beam  # pyright: ignore[reportMissingImports]
    from apache_beam.options import pipeline_options  # pyright: ignore[reportMissingImports]
except ImportError:  # an extra: the module can be read without, and says so when it is used
    apache_beam = pipeline_options = None

_DoFn: Any = apache_beam.DoFn if apache_beam else object


class MeasureUtterance(_DoFn):
    """(place, utterance) -> (place, row as JSON), for each of the conditions."""

    def __init__(
        self,
        target: origin.TargetSource,
        inverter_folders: Sequence[str],
        grid: grids.Grid,
        audio_folder: str | None,
    ):
        """Keeps the settings; what they name is loaded by `setup`, on the worker."""
        self._settings = (target, tuple(inverter_folders), grid, audio_folder)

    def __repr__(self) -> str:
        """What it is."""
        source, folders, *_ = self._settings
        return f"<MeasureUtterance of {source} with {len(folders)} inverters>"

    def setup(self) -> None:
        """Loads all parts, once for the worker's life."""
        spec, folders, grid, audio_folder = self._settings
        target = spec.load()
        runs = [inverter_run.read_run(folder) for folder in folders]
        for run in runs:
            run.check_target(target)
        self._transcribers = grid.load_transcribers()
        self._conditions = grids.conditions(
            target.name, runs, grid.vocoders, list(self._transcribers)
        )
        folder = pathlib.Path(audio_folder) if audio_folder else None
        self._watch = watch = stopwatch.Stopwatch()
        self._renderer = rendering.Renderer(target, runs, grid, folder=folder, watch=watch)

    def process(self, element: tuple[int, corpora.Utterance]) -> Iterator[tuple[int, str]]:
        """Measures one utterance under all conditions."""
        place, utterance = element
        recording = contents.digest(utterance.path)
        wanted = {item: next(iter(names.values())) for item, names in self._conditions.items()}
        rows, made = [], []
        for item in rendering.each_once(self._renderer, utterance, wanted):
            if isinstance(item, rendering.Rendering):
                made.append(item)
                continue
            for condition in self._conditions[item.rendition].values():
                rows.append(tables.failed_row(utterance, condition, item.reason))
        asked = ((item, self._conditions[item.rendition]) for item in made)
        for item, name, transcript in recognition.recognise_all(
            asked, self._transcribers, self._watch
        ):
            condition, rules = (
                self._conditions[item.rendition][name],
                self._transcribers[name].rules,
            )
            rows.append(tables.scored_row(item, condition, transcript, rules))
        for row in rows:
            row["audio_sha256"] = recording
            yield place, json.dumps({name: str(row[name]) for name in results.RESULT_COLUMNS})


def evaluate_with_beam(
    utterances: Sequence[corpora.Utterance],
    target: origin.TargetSource,
    runs: Sequence[inverter_run.InverterRun],
    *,
    grid: grids.Grid = grids.Grid(),
    output_dir: str | pathlib.Path,
    settings: Mapping,
    write_audio: bool = True,
    options: Sequence[str] = (),
) -> list[dict[str, str]]:
    """Measures trained inverters on a Beam runner; see `measure.evaluate_runs`.

    A pipeline is done or not done: unlike `evaluate_runs`, it does not go on where it was killed.

    Args:
        utterances: recordings, at paths that workers can read.
        target: what loads the frozen network, from places that workers can read.
        runs: trained inverters of it, in folders that workers can read.
        grid: the other settings.
        output_dir: the results folder, of a file system that this process and the workers share.
        settings: go into run.json.
        write_audio: workers write audio/ and log_mel/, too.
        options: of Beam, such as "--runner=FlinkRunner"; the DirectRunner is the default.

    Returns:
        All rows of results.csv, in its order.

    Raises:
        ValueError: if the folder holds results, a part cannot be loaded, or Beam is not installed.
    """
    if metrics.SPEAKER_VERIFICATION in grid.metrics and not write_audio:
        raise ValueError(
            "speaker_verification compares recordings of the whole corpus, and workers keep their "
            "embeddings beside the audio: leave out --nowrite_audio, or the metric"
        )
    if apache_beam is None or pipeline_options is None:
        raise ValueError("Beam is not installed: pip install 'vggish-inversion[beam]'")
    folder = pathlib.Path(output_dir).resolve()
    if (folder / "results.csv").exists():
        raise ValueError(f"{folder} holds results already; use another output folder")
    measure.check_apart(utterances, folder)
    loaded = target.load()
    watch = stopwatch.Stopwatch()
    renderer = rendering.Renderer(loaded, runs, grid, folder=None, watch=watch)
    transcribers = grid.load_transcribers()
    recordings = freshness.digest_recordings(utterances)
    details = measure.describe_run(
        loaded, runs, grid, renderer, transcribers, utterances, recordings
    )
    with folders.sole_writer(folder):
        results.open_results(folder, {**settings, **details})
    run_folders = [str(run.folder.resolve()) for run in runs]
    audio_folder = str(folder) if write_audio else None
    raw = folder / ".beam"
    raw.mkdir(exist_ok=True)
    _delete_rows(raw)  # of a pipeline that failed
    pipeline = apache_beam.Pipeline(options=pipeline_options.PipelineOptions(list(options)))
    _ = (
        pipeline
        | "Utterances" >> apache_beam.Create(list(enumerate(utterances)))
        | "Spread" >> apache_beam.Reshuffle()
        | "Measure" >> apache_beam.ParDo(MeasureUtterance(target, run_folders, grid, audio_folder))
        | "Lines" >> apache_beam.MapTuple(lambda place, row: f"{place}\t{row}")
        | "Write" >> apache_beam.io.WriteToText(str(raw / "rows"))
    )
    with watch("pipeline"):
        pipeline.run().wait_until_finish()
    conditions = grids.conditions(loaded.name, runs, grid.vocoders, list(transcribers))
    rows = _gather(raw, [dataclasses.astuple(item) for item in grids.flatten(conditions)])
    measure.finish_run(folder, rows, utterances, grid, watch)
    results.write_table(folder / "results.csv", results.RESULT_COLUMNS, rows)
    _delete_rows(raw)
    with contextlib.suppress(OSError):  # it holds what this pipeline did not write
        raw.rmdir()
    return rows


def _delete_rows(folder: pathlib.Path) -> None:
    for path in folder.glob("rows-*"):
        path.unlink()


def _gather(folder: pathlib.Path, conditions: Sequence[tuple]) -> list[dict[str, str]]:
    """The rows that workers wrote, by utterance, then by condition."""
    placed = []
    for path in folder.glob("rows-*"):
        for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
            place, row = line.split("\t", 1)
            row = json.loads(row)
            key = tuple(row[name] for name in results.KEYS)
            placed.append((int(place), conditions.index(key), row))
    return [row for *_, row in sorted(placed, key=lambda item: item[:2])]
