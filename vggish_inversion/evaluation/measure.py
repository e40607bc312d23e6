"""Renders, recognises and scores every utterance under every condition."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
from absl import logging

from vggish_inversion import asr, audio, metrics
from vggish_inversion.data import corpora
from vggish_inversion.evaluation import (
    freshness,
    recognition,
    rendering,
    shards,
    stopwatch,
    tables,
)
from vggish_inversion.evaluation import grid as grids
from vggish_inversion.files import apart, documents, folders
from vggish_inversion.inverters import run as inverter_run
from vggish_inversion.results import (
    REFERENCES,
    SUFFIXES,
    Condition,
    ResultsTable,
    open_results,
)
from vggish_inversion.targets import encoder

_MAX_REFERENCE_UTTERANCES = 100


def evaluate(
    utterances: Sequence[corpora.Utterance],
    renderer: rendering.Renderer,
    conditions: Mapping[grids.Rendition, Mapping[str, Condition]],
    transcribers: Mapping[str, asr.Transcriber],
    table: ResultsTable,
    watch: stopwatch.Stopwatch,
    *,
    recordings: Mapping[str, str],
) -> None:
    """Measures what the table lacks.

    Args:
        utterances: recordings; one without a text has no WER.
        renderer: makes the waveforms.
        conditions: by rendition, then by recogniser.
        transcribers: by name.
        table: receives a row for each condition and utterance, as soon as it is there.
        watch: is told how long each stage takes.
        recordings: digests of the recordings, by id, for the rows.
    """

    def append(row: dict) -> None:
        table.append({**row, "audio_sha256": recordings[row["utterance"]]})

    def renderings() -> Iterator[tuple[rendering.Rendering, list[str]]]:
        for utterance in utterances:
            missing = {
                rendition: names
                for rendition, by_name in conditions.items()
                if (
                    names := [n for n, item in by_name.items() if not table.has(item, utterance.id)]
                )
            }
            if not missing:
                continue
            wanted = {item: conditions[item][names[0]] for item, names in missing.items()}
            for made in rendering.each_once(renderer, utterance, wanted):
                names = missing.pop(made.rendition)  # each comes once
                if isinstance(made, rendering.Rendering):
                    yield made, names
                    continue
                for name in names:
                    condition = conditions[made.rendition][name]
                    append(tables.failed_row(utterance, condition, made.reason))

    for made, name, transcript in recognition.recognise_all(renderings(), transcribers, watch):
        with watch("scoring"):
            row = tables.scored_row(
                made, conditions[made.rendition][name], transcript, transcribers[name].rules
            )
        with watch("writing"):
            append(row)


def evaluate_runs(
    utterances: str | os.PathLike[str] | Sequence[corpora.Utterance],
    target: encoder.TargetEncoder,
    runs: Sequence[inverter_run.InverterRun],
    *,
    grid: grids.Grid = grids.Grid(),
    shard: shards.Shard | None = None,
    output_dir: str | pathlib.Path,
    settings: Mapping,
    progress: Callable[[Sequence], Iterable] = iter,
) -> list[dict[str, str]]:
    """Measures trained inverters, beside the two references.

    Args:
        utterances: all of them, of other shards too; or the folder of a corpus.
        target: the frozen network.
        runs: trained inverters of it.
        grid: the other settings.
        shard: measure this part alone.
        output_dir: the results folder; rows that are there are kept, where recording and text are
            those of then.
        settings: go into run.json.
        progress: wraps the iteration over utterances, `tqdm.tqdm` for example.

    Returns:
        All rows of results.csv.

    Raises:
        ValueError: if the folder holds results of other settings, or a part cannot be loaded.
        apart.OverlapError: if recordings would be written over.
    """
    utterances = corpora.list_utterances(utterances)
    folder = pathlib.Path(output_dir)
    check_apart(utterances, folder)
    watch = stopwatch.Stopwatch()
    chosen = shards.dealt(utterances, shard)
    with watch("loading"):
        transcribers = grid.load_transcribers()
        renderer = rendering.Renderer(target, runs, grid, folder=folder, watch=watch)
        conditions = grids.conditions(target.name, runs, grid.vocoders, list(transcribers))
    with watch("reading"):
        recordings = freshness.digest_recordings(utterances)
    details = describe_run(
        target, runs, grid, renderer, transcribers, utterances, recordings, shard
    )
    listed = list(grids.flatten(conditions))
    with folders.sole_writer(folder):
        open_results(folder, {**settings, **details}, fingerprint_as=target.fingerprint_as)
        with ResultsTable(folder / "results.csv") as table:
            freshness.drop_stale(
                table, folder, chosen, recordings, listed, is_shard=shard is not None
            )
            evaluate(
                *(progress(chosen), renderer, conditions, transcribers, table, watch),
                recordings=recordings,
            )
            table.sort([item.id for item in chosen], listed)
        finish_run(folder, table.rows, utterances, grid, watch)
    return table.rows


def check_apart(utterances: Sequence[corpora.Utterance], folder: pathlib.Path) -> None:
    """Makes sure that no recording lies where renderings are written."""
    written = [folder / kind for kind in SUFFIXES]
    apart.check_apart(read=[item.path for item in utterances], written=written)


def describe_run(
    target: encoder.TargetEncoder,
    runs: Sequence[inverter_run.InverterRun],
    grid: grids.Grid,
    renderer: rendering.Renderer,
    transcribers: Mapping[str, asr.Transcriber],
    utterances: Sequence[corpora.Utterance],
    recordings: Mapping[str, str],
    shard: shards.Shard | None = None,
) -> dict:
    """What run.json says of the parts: names, fingerprints of what has weights, and numbers."""
    conditions = grids.conditions(target.name, runs, grid.vocoders, list(transcribers))
    return {
        "target": target.name,
        "target_fingerprint": target.fingerprint,
        "patch_hop_frames": grid.patch_hop_frames or target.log_mel.patch_hop_frames,
        "metrics": sorted(grid.metrics),
        "inverters": {name: run.sha256 for name, run in grids.name_runs(runs).items()},
        "patches_seen": {
            name: int(seen)
            for name, run in grids.name_runs(runs).items()
            if (seen := run.last_epoch.get("num_patches"))
        },
        "views": {name: run.num_views for name, run in grids.name_runs(runs).items()},
        "vocoders": {name: item.fingerprint for name, item in renderer.vocoders.items()},
        # Rows hold errors, which depend on the rules, too.
        "recognisers": {
            name: f"{item.fingerprint}, {item.rules}" for name, item in transcribers.items()
        },
        "shard": dataclasses.asdict(shard) if shard else None,
        "scorers": {
            name: renderer.speaker_encoder.fingerprint
            for name in metrics.OF_SPEAKERS
            if renderer.speaker_encoder and name in grid.metrics
        },
        "utterances_sha256": freshness.digest_utterances(utterances, recordings),
        "num_utterances": len(shards.dealt(utterances, shard)),
        "num_conditions": len(list(grids.flatten(conditions))),
        "layers": [*REFERENCES, *(tap.name for tap in target.taps)],
    }


def finish_run(
    folder: pathlib.Path,
    rows: Sequence[Mapping[str, str]],
    utterances: Sequence[corpora.Utterance],
    grid: grids.Grid,
    watch: stopwatch.Stopwatch,
) -> None:
    """Writes what follows from the rows, and into run.json what is known only at the end."""
    settings = documents.read_json(folder / "run.json", {"layers": list})
    with watch("comparing"):
        tables.write_derived(rows, folder, layers=settings["layers"], metrics=grid.metrics)
    if "speaker_similarity" in grid.metrics:
        with watch("references"):
            settings["speaker_similarity"] = speaker_references(utterances, grid.speaker_encoder)
    documents.write_json(folder / "run.json", {**settings, "seconds": watch.seconds()})


def speaker_references(
    utterances: Sequence[corpora.Utterance], speaker_encoder: str | None = None
) -> dict:
    """Speaker similarity of natural recordings, within speakers and between them.

    Args:
        utterances: at most 100, spread evenly, are compared; one without a speaker, or that cannot
            be read, is left out. With no speaker known there is nothing to compare, which is
            logged; the similarity of each rendering to its recording is measured all the same.
        speaker_encoder: see `speakers.load_speaker_encoder`.
    """
    from vggish_inversion.metrics import speakers

    embed = speakers.load_speaker_encoder(speaker_encoder)
    embeddings, names = [], []
    for utterance in corpora.thin(utterances, _MAX_REFERENCE_UTTERANCES):
        try:
            waveform = audio.read_audio(utterance.path)
        except ValueError:
            continue  # it has its row
        if utterance.speaker is not None:
            embeddings.append(embed(waveform))
            names.append(utterance.speaker)
    if not names:
        logging.warning(
            "no speaker of the recordings is known, so speaker_similarity stands without that of "
            "two recordings of one speaker, and of two speakers: name them in transcripts.csv"
        )
        embeddings = np.empty((0, 0))
    return speakers.reference_similarities(np.asarray(embeddings), names)
