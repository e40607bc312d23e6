"""Every reader of files of the package: what it is given, what of that is damaged, how it reads."""

import dataclasses
import functools
import pathlib
import random
import shutil
from collections.abc import Callable

from fuzzing import mutations, sandbox, seeds


@dataclasses.dataclass(frozen=True)
class Reader:
    """A row of the table.

    Attributes:
        group: of the report's rows.
        name: of the input.
        write: writes the valid input into a folder.
        damage: which of its files are damaged, as a glob pattern.
        read: reads the folder, and may write into a second one.
        share: how many inputs it gets, beside the other readers of its group.
    """

    group: str
    name: str
    write: Callable[[pathlib.Path], None]
    damage: str
    read: Callable[[pathlib.Path, pathlib.Path], object]
    share: int = 1


def _read_audio(folder, _):
    from vggish_inversion import audio

    for path in folder.iterdir():
        waveform = audio.read_audio(path)
        assert waveform.ndim == 1 and len(waveform) and abs(waveform).max() <= 1.0, waveform


def _read_corpus(folder, _):
    from vggish_inversion import features
    from vggish_inversion.data import corpora, log_mel_cache

    utterances = corpora.read_corpus(folder)
    log_mel_cache.fingerprint(utterances, features.LogMelParams())


def _read_tasks(folder, _):
    from vggish_inversion.tasks import labelled_corpora

    for name in ("environmental_sounds", "language_id", "acoustic_scenes", "bird_detection"):
        labelled_corpora.read_task(name, [folder])


def _read_records(folder, _):
    from vggish_inversion import features
    from vggish_inversion.data import training_data

    for part in training_data.read_dataset(folder / "shards", features.LogMelParams()).values():
        part.grid_patches(4)
        batches = part.batches(batch_size=1, seed=0)
        for _ in range(3):
            next(batches)


def _read_log_mel_cache(folder, _):
    from vggish_inversion import features
    from vggish_inversion.data import corpora, log_mel_cache

    utterances = corpora.read_corpus(folder / "speech")
    cache = log_mel_cache.cache_log_mel(utterances, features.LogMelParams(), folder / "cache")
    cache.random_patches(0, batch_size=4, seed=0)
    cache.grid_patches(4)


def _read_segment_cache(folder, _):
    from vggish_inversion import features
    from vggish_inversion.data import corpora, segments

    utterances = corpora.read_corpus(folder / "speech")
    cache = segments.cache_segments(utterances, features.LogMelParams(), folder / "cache")
    cache.random_segments(0, batch_size=4, segment_frames=16, seed=0)


def _read_run(folder, output):
    from vggish_inversion.inverters import run

    trained = run.read_run(folder)
    trained.load_model()
    target = trained.load_target()
    trained.check_target(target)
    run.best_runs(run.find_runs(folder, target, layers=None))


def _store_run(folder, output):
    from vggish_inversion.inverters import card

    card.store_inverter(folder, output / "store")


def _read_run_archive(folder, _):
    from vggish_inversion.reconstruction import store

    store.load_reconstructor(str(folder / "run.tar.gz"))


def _resume_run(folder, _):
    from vggish_inversion.training import checkpoints, run_folder

    variables = seeds.checkpoint_variables()
    with run_folder.open_run(folder, seeds.run_settings()):
        checkpoints.Checkpoint(folder, variables, examples_per_epoch=8).restore()


def _read_vocoder(folder, _):
    from vggish_inversion import features, vocoders

    vocoders.load_vocoder(str(folder), features.LogMelParams())


def _read_network(folder, _):
    from vggish_inversion.targets import loading

    loading.load_target(str(folder / "network.keras"))


def _read_weights(folder, _):
    from vggish_inversion.files import hub

    hub.load_keras_weights(seeds.build_network(), folder / "network.weights.h5")


def _read_arrays(folder, _):
    from vggish_inversion.files import hub

    hub.read_variables(folder)


def _read_npz(folder, _):
    from vggish_inversion.targets import vggish_postprocessing

    vggish_postprocessing.load_postprocessor(folder / "pca.npz")


def _read_checkpoint(folder, _):
    from vggish_inversion.files import hub

    hub.read_variables(folder)


def _read_variables(folder, _):
    from vggish_inversion.files import hub

    hub.read_variables(folder / "saved")


def _read_target(folder, _):
    from vggish_inversion.targets import loading

    loading.load_target(str(folder / "saved"))


def _read_export(folder, _):
    from vggish_inversion.reconstruction import store

    store.load_reconstructor(str(folder / "saved"))


def _read_store(folder, _):
    import os

    from vggish_inversion.files import hub
    from vggish_inversion.reconstruction import store
    from vggish_inversion.tasks import card

    os.environ[hub.MODELS_VARIABLE] = str(folder)
    store.format_table()
    card.accuracy_table(folder)
    store.load_reconstructor("small_encoder/speech_commands", layer="layer_6")


def _read_wav2vec2(folder, _):
    from vggish_inversion import asr

    asr.load_transcriber("wav2vec2", model=str(folder))


def _report(folder, output):
    from vggish_inversion import report

    report.write_page(folder, output / "index.html")


def _read_summary(folder, output):
    from vggish_inversion import evaluation
    from vggish_inversion.experiments.comanducci_2021 import published

    evaluation.summary_text(folder)
    published.comparison_text(published.write_comparison(folder, output / "comparison.csv"))


def _go_on(folder, _):
    from vggish_inversion import results
    from vggish_inversion.data import corpora
    from vggish_inversion.evaluation import freshness, tables

    settings = seeds.result_settings()
    results.open_results(folder, settings)
    clip = corpora.Utterance("a1", folder / "audio" / "natural" / "a1.wav", "a b c d")
    recordings = freshness.digest_recordings([clip])
    with results.ResultsTable(folder / "results.csv") as table:
        freshness.drop_stale(table, folder, [clip], recordings, [], is_shard=True)
        table.sort(["a1", "a2"], [])
        tables.write_derived(table.rows, folder, layers=settings["layers"])


def _merge(folder, output):
    from vggish_inversion import evaluation

    evaluation.merge_results([folder], output / "whole")


def _read_benchmark(folder, _):
    from vggish_inversion.vocoders import card

    card.read_results(folder / "out.txt")


_AUDIO_EXTENSIONS = (
    ".wav",
    ".w64",
    ".aiff",
    ".caf",
    ".au",
    ".sph",
    ".flac",
    ".ogg",
    ".opus",
    ".mp3",
)
_AUDIO = [
    Reader("audio", kind, functools.partial(seeds.write_audio, suffix=kind), "*", _read_audio)
    for kind in _AUDIO_EXTENSIONS
]
READERS = (
    *_AUDIO,
    Reader("corpora", "metadata.csv", seeds.write_ljspeech, "metadata.csv", _read_corpus, 2),
    Reader("corpora", "transcripts.csv", seeds.write_transcribed, "**/*.[ct]*", _read_corpus),
    Reader("corpora", "trans.txt", seeds.write_librispeech, "**/*.trans.txt", _read_corpus),
    Reader("corpora", "tables of tasks", seeds.write_tasks, "**/*.[ct][sx][vt]", _read_tasks),
    Reader("TFRecords", "shards", seeds.write_records, "shards/**/*.*", _read_records, 3),
    Reader("caches", "log-mel", seeds.write_caches, "cache/[0-9a-f]*/*", _read_log_mel_cache),
    Reader("caches", "segments", seeds.write_caches, "cache/segments*/*", _read_segment_cache),
    Reader("run folders", "inverter", seeds.write_run, "*", _read_run, 2),
    Reader("run folders", "inverter, stored", seeds.write_run, "*.[jc]s*", _store_run),
    Reader("run folders", "inverter.tar.gz", seeds.write_run_archive, "*", _read_run_archive),
    Reader("run folders", "checkpoint", seeds.write_unfinished_run, "c*.*", _resume_run, 2),
    Reader("run folders", "vocoder", seeds.write_vocoder, "*", _read_vocoder),
    Reader("model files", ".keras", seeds.write_network, "*", _read_network, 2),
    Reader("model files", ".weights.h5", seeds.write_weights, "*", _read_weights, 2),
    Reader("model files", ".safetensors", seeds.write_safetensors, "*", _read_arrays),
    Reader("model files", ".h5", seeds.write_hdf5, "*", _read_arrays),
    Reader("model files", ".npz", seeds.write_npz, "*", _read_npz),
    Reader("model files", "checkpoint", seeds.write_checkpoint, "model.ckpt.*", _read_checkpoint),
    Reader("model files", "variables", seeds.write_saved_target, "saved/v*/*", _read_variables),
    Reader("model files", "SavedModel", seeds.write_saved_target, "**/*.pb", _read_target),
    Reader("model files", "exported SavedModel", seeds.write_export, "saved/**/*.*", _read_export),
    Reader("model files", "store", seeds.write_store, "**/*.*", _read_store),
    Reader("model files", "Wav2Vec2", seeds.write_wav2vec2, "*", _read_wav2vec2),
    Reader("results folders", "report", seeds.write_results, "**/*.*", _report, 3),
    Reader("results folders", "gone on with", seeds.write_results, "r*.*", _go_on),
    Reader("results folders", "merged", seeds.write_shards, "*/r*.*", _merge, 2),
    Reader("results folders", "summary", seeds.write_results, "summary.csv", _read_summary),
    Reader("results folders", "benchmark", seeds.write_benchmark, "*", _read_benchmark),
)  # fmt: skip


def as_case(reader: Reader, seed_folder: pathlib.Path, seed: int) -> sandbox.Case:
    """The reader's inputs by number: a copy of the valid one in which one file is damaged."""
    files = sorted(path for path in seed_folder.glob(reader.damage) if path.is_file())
    if not files:
        raise ValueError(f"{reader.group}/{reader.name} has no files {reader.damage}")

    def write(index: int | None, folder: pathlib.Path) -> None:
        rng = random.Random(f"{seed}/{reader.group}/{reader.name}/{index}")
        chosen, donor = rng.choice(files), rng.choice(files).read_bytes()
        damaged = chosen.relative_to(seed_folder)
        if reader.group == "audio" and index is not None:  # each file is an input of its own
            (folder / damaged).write_bytes(mutations.mutate("", chosen.read_bytes(), rng, donor))
            return
        shutil.copytree(seed_folder, folder, dirs_exist_ok=True)
        if index is not None:
            content = chosen.read_bytes()
            (folder / damaged).write_bytes(mutations.mutate(chosen.suffix, content, rng, donor))

    return sandbox.Case(write, reader.read)
