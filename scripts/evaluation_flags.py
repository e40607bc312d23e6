"""The flags of the scripts that evaluate, and what they name."""

import pathlib
from typing import TYPE_CHECKING

from absl import flags

import command
import path_flags
import target_flags
from vggish_inversion import asr, metrics, vocoders
from vggish_inversion.data import corpora

if TYPE_CHECKING:
    from vggish_inversion import evaluation
    from vggish_inversion.inverters import origin, run

target_flags.define_target_flags()
_LAYERS = flags.DEFINE_list("layers", ["all"], "Taps to invert, such as conv3,conv4, or all.")
_INVERTERS_DIR = flags.DEFINE_string(
    "inverters_dir", None, "Folder with trained inverters, at any depth; default: the shipped ones."
)
DATA_DIR = path_flags.define_paths_flag(
    "data_dir", None, "Corpus folder(s), or any of audio.", required=True
)
SPLIT = flags.DEFINE_enum("split", "test", [*corpora.SPLITS, "all"], "Part of the corpus.")
_LIMIT = flags.DEFINE_integer("limit", None, "At most so many, spread evenly.", lower_bound=1)
_VOCODER = path_flags.define_paths_flag(
    "vocoder",
    ["griffin_lim"],
    f"Of {', '.join(sorted(vocoders.VOCODERS))}, or trained folders.",
)
_ASR = command.define_choices_flag("asr", ["pocketsphinx"], [*asr.TRANSCRIBERS], "Recogniser(s).")
_ASR_MODEL = flags.DEFINE_string(
    "asr_model",
    None,
    "A folder, a name on the hub, or, of Whisper, tiny, base, small, ...; default: base, and "
    "wav2vec2-base-960h. For both in one run: whisper=A,wav2vec2=B.",
)
_ASR_PRECISION = flags.DEFINE_enum("asr_precision", "float32", asr.PRECISIONS, "Of Wav2Vec2.")
_ASR_LANGUAGE = flags.DEFINE_string(
    "asr_language", None, "What is spoken, in two letters, of Whisper; default: en."
)
_METRICS = command.define_choices_flag(
    *("metrics", metrics.CHEAP_METRICS, [*metrics.OPTIONAL_METRICS, *metrics.CORPUS_METRICS]),
    "Further columns.",
)
_SPEAKER_ENCODER = flags.DEFINE_string(
    "speaker_encoder",
    None,
    "Of the metrics of speakers: ge2e=PATH with Resemblyzer's pretrained.pt, or your own Keras "
    "model; default: the shipped encoder of 22 speakers.",
)
_PATCH_HOP_FRAMES = command.define_patch_hop_flag()
OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The results folder.", required=True)


def _layers() -> list[str] | None:
    return None if _LAYERS.value == ["all"] else _LAYERS.value


def find_source() -> "origin.TargetSource":
    """What the inverters of --inverters_dir were trained on; flags that are given come first."""
    from vggish_inversion.inverters import search

    given = {
        argument: flags.FLAGS[name].value if flags.FLAGS[name].present else None
        for argument, name in (
            ("name", "target"),
            ("weights", "target_weights"),
            ("seed", "seed"),
            ("axes", "axes"),
            ("head", "head"),
        )
    }
    if not _INVERTERS_DIR.value:  # the model store has inverters of many targets
        given["name"] = flags.FLAGS.target
    return search.find_source(_inverters_dir(), layers=_layers(), **given)


def find_runs(target) -> "list[run.InverterRun]":
    """The inverters that --layers and --inverters_dir name."""
    from vggish_inversion.inverters import search

    return search.find_runs(_inverters_dir(), target, layers=_layers())


def _inverters_dir() -> str | pathlib.Path:
    from vggish_inversion.files import hub

    return _INVERTERS_DIR.value or hub.models_dir()


def check_output() -> None:
    """Makes sure that results are not written where recordings are read."""
    from vggish_inversion import results
    from vggish_inversion.files import apart

    written = [pathlib.Path(OUTPUT_DIR.value, name) for name in results.PARTS]
    apart.check_apart(read=DATA_DIR.value, written=written)


def read_utterances() -> list[corpora.Utterance]:
    """The recordings that --data_dir, --split and --limit name."""
    return corpora.thin(
        corpora.read_corpora(DATA_DIR.value, split=SPLIT.value, announce=print), _LIMIT.value
    )


def grid() -> "evaluation.Grid":
    """What every utterance goes through."""
    from vggish_inversion import evaluation

    return evaluation.Grid(
        vocoders=tuple(_VOCODER.value),
        transcribers=tuple(_ASR.value),
        asr_model=_ASR_MODEL.value,
        asr_precision=_ASR_PRECISION.value,
        asr_language=_ASR_LANGUAGE.value,
        metrics=tuple(_METRICS.value),
        speaker_encoder=_SPEAKER_ENCODER.value,
        patch_hop_frames=_PATCH_HOP_FRAMES.value,
    )


def report(output_dir: pathlib.Path, rows) -> int:
    """Prints the summary; returns the exit code."""
    from vggish_inversion import evaluation, results

    print(evaluation.summary_text(output_dir))
    if limits := evaluation.limit_text(output_dir):
        print(limits)
    counts = results.count_utterances(rows)
    if counts["num_failed"]:
        print(f"{counts['num_failed']} utterances failed: see status in results.csv")
    return command.exit_code(**counts)
