"""What an evaluation and a benchmark write, and its readers."""

import json
import pathlib

import numpy as np

from fuzzing import readers
from fuzzing.readers import Reader


def result_rows(utterances: list[str]) -> list[dict[str, str]]:
    """Rows of results.csv for two references and a tap."""
    from vggish_inversion import results

    rows = []
    for name in utterances:
        for layer in ("natural", "true_log_mel", "layer_1"):
            row = dict.fromkeys(results.RESULT_COLUMNS, "") | {"target": "vggish", "layer": layer}
            row |= {"vocoder": "griffin_lim", "asr": "pocketsphinx", "num_utterances": "1"}
            row |= {"preset": "paper", "loss": "l1"} if layer == "layer_1" else {}
            row |= {"wer": "0.25", "cer": "0.1", "stoi": "0.9", "estoi": "0.8", "log_mel_l1": "0.3"}
            row |= {
                "utterance": name,
                "reference": "a b c d",
                "transcript": "a b c",
                "status": "ok",
            }
            row |= {"num_words": "4", "substitutions": "0", "deletions": "1", "insertions": "0"}
            rows.append(row)
    return rows


def result_settings() -> dict:
    """What run.json holds."""
    layers = ["natural", "true_log_mel", "layer_1"]
    return {
        **{"target": "vggish", "target_fingerprint": "sha256:0", "data_dir": ["speech"]},
        **{"split": "test", "patch_hop_frames": 96, "metrics": [], "shard": None},
        **{"inverters": {"layer_1/paper-l1": "0"}, "vocoders": {"griffin_lim": None}},
        "scorers": {},
        **{"recognisers": {"pocketsphinx": "0"}, "utterances_sha256": "0", "num_utterances": 2},
        **{"num_conditions": 3, "layers": layers, "seconds": {"reading": 1.0}},
        **{"patches_seen": {"layer_1/paper-l1": 16}, "views": {"layer_1/paper-l1": 1}},
        **{"command": ["python", "scripts/evaluate.py"], "versions": {"keras": "3.15.1"}},
    }


def write_results(folder: pathlib.Path, *, name: str = "a", shard: dict | None = None) -> None:
    """A results folder with sound and log-mel."""
    from vggish_inversion import audio, results
    from vggish_inversion.evaluation import tables
    from vggish_inversion.files import documents

    folder.mkdir(exist_ok=True)
    settings = result_settings() | {"shard": shard}
    utterances = [f"{name}1", f"{name}2"]
    rows = result_rows(utterances)
    documents.write_json(folder / "run.json", settings)
    results.write_table(folder / "results.csv", results.RESULT_COLUMNS, rows)
    tables.write_derived(rows, folder, layers=settings["layers"])
    for kind in ("natural", "true_log_mel", "layer_1/paper-l1"):
        for place in ("audio", "log_mel"):
            (folder / place / kind).mkdir(parents=True)
        for utterance in utterances:
            audio.write_wav(folder / "audio" / kind / f"{utterance}.wav", readers.speech(0, 0.2))
            log_mel = np.zeros((18, 64), np.float16)
            np.save(folder / "log_mel" / kind / f"{utterance}.npy", log_mel)


def write_shards(folder: pathlib.Path) -> None:
    """Results of two shards."""
    for index in (1, 2):
        shard = {"index": index, "count": 2}
        write_results(folder / f"shard-{index}-of-2", name="ab"[index - 1], shard=shard)


def write_benchmark(folder: pathlib.Path) -> None:
    """What a benchmark prints."""
    (folder / "out.txt").write_text(f"table\n{json.dumps({'neural_sha256': '0'})}\n")


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

    settings = result_settings()
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


READERS = (
    Reader("results folders", "report", write_results, "**/*.*", _report, 3),
    Reader("results folders", "gone on with", write_results, "r*.*", _go_on),
    Reader("results folders", "merged", write_shards, "*/r*.*", _merge, 2),
    Reader("results folders", "summary", write_results, "summary.csv", _read_summary),
    Reader("results folders", "benchmark", write_benchmark, "*", _read_benchmark),
)  # fmt: skip
