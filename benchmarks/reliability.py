r"""Damages inputs of every reader, and flags of every script, and counts what comes of it.

  python benchmarks/reliability.py --inputs=12500
  python benchmarks/reliability.py --inputs=300 --readers=audio --failures_dir=build/failures

Four fifths of the inputs are audio files. Each is read in a process that may take 10 s and 2 GB
more than it had. A clear error is one that the scripts print as one line, and that names the file;
all else but a clean result is a fault. Exits with 1 if there is any.
"""

import json
import multiprocessing
import os
import pathlib
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import app, flags

import fuzzing
from fuzzing import readers, sandbox, script_flags

_INPUTS = flags.DEFINE_integer("inputs", 2000, "In all: four fifths are audio.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Of all damage.")
_WORKERS = flags.DEFINE_integer("workers", 2, "Processes.", lower_bound=1)
_READERS = flags.DEFINE_list("readers", [], "Groups or names to try; default: all.")
_FAILURES_DIR = flags.DEFINE_string("failures_dir", None, "Receives the inputs of faults.")

_AUDIO_SHARE = 0.8
_FLAGS_SHARE = 0.02


def main(_):
    """Runs every reader's share and prints the table."""
    import_all()
    with tempfile.TemporaryDirectory() as folder:
        cases = dict(_cases(pathlib.Path(folder)))
        verdicts = {}
        for place, (case, count) in cases.items():
            box = pathlib.Path(folder, "boxes")
            done = sandbox.run(case, list(range(count)), box, num_workers=_WORKERS.value)
            verdicts[place] = done
            _show_faults(place, case, [item for item in done if item.outcome in sandbox.FAULTS])
        result = _print_table(verdicts)
    print(json.dumps(result))
    sys.exit(bool(result["faults"]))


def import_all() -> None:
    """Imports what readers need before the workers fork, because it takes seconds."""
    from vggish_inversion import report  # noqa: F401
    from vggish_inversion.experiments import comanducci_2021  # noqa: F401
    from vggish_inversion.reconstruction import saved_model as exported  # noqa: F401
    from vggish_inversion.reconstruction import store  # noqa: F401
    from vggish_inversion.targets import vggish_postprocessing  # noqa: F401
    from vggish_inversion.targets.own import saved_model  # noqa: F401
    from vggish_inversion.vocoders import card  # noqa: F401


def _cases(folder: pathlib.Path):
    """(group, name) -> its case and how many inputs it gets."""
    chosen = [
        reader
        for reader in fuzzing.READERS
        if not _READERS.value or {reader.group, reader.name} & set(_READERS.value)
    ]
    shares = {"audio": _AUDIO_SHARE, "flags": _FLAGS_SHARE}
    if _READERS.value:
        shares = dict.fromkeys(shares, 1.0)
    for reader in chosen:
        is_audio = reader.group == "audio"
        alike = sum(item.share for item in chosen if (item.group == "audio") == is_audio)
        part = shares["audio"] if is_audio else 1 - _AUDIO_SHARE - _FLAGS_SHARE
        part = 1.0 if _READERS.value else part
        seed_folder = folder / "seeds" / f"{len(list(folder.glob('seeds/*')))}"
        _in_process(reader.write, seed_folder)
        case = readers.as_case(reader, seed_folder, _SEED.value)
        yield (reader.group, reader.name), (case, _share(part * reader.share / alike))
    scripts = [
        name
        for name in script_flags.SCRIPTS
        if not _READERS.value or {"flags", name} & set(_READERS.value)
    ]
    for name in scripts:
        part = _share(shares["flags"] / len(scripts))
        yield ("flags", name), (script_flags.as_case(name, _SEED.value), part)


def _share(part: float) -> int:
    return max(1, round(part * _INPUTS.value))


def _in_process(write, folder: pathlib.Path) -> None:
    """Has a seed written elsewhere: what has used TensorFlow cannot be forked."""
    folder.mkdir(parents=True)
    process = multiprocessing.get_context("fork").Process(target=_write, args=(write, folder))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"no valid input could be written: {write}")


def _write(write, folder: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        write(folder)


def _show_faults(place, case: sandbox.Case, faults: list[sandbox.Verdict]) -> None:
    for fault in faults:
        name = f"{'/'.join(place)} {fault.index}"
        print(f"{name}: {fault.outcome} ({fault.detail.strip()[-1500:]})", flush=True)
        if _FAILURES_DIR.value:
            failures = pathlib.Path(_FAILURES_DIR.value)
            failures.mkdir(parents=True, exist_ok=True)
            prefix = name.replace("/", "-").replace(" ", "-") + "-"
            case.write(fault.index, pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=failures)))


def _print_table(verdicts: dict) -> dict:
    """Prints a row per reader; returns the sums."""
    print(f"{'reader':45} {'inputs':>7} {'clean':>6} {'clear':>6} {'faults':>6} {'s':>6} {'MB':>6}")
    rows = {f"{group}: {name}": _sums(done) for (group, name), done in verdicts.items()}
    everything = [item for done in verdicts.values() for item in done]
    rows["all"] = result = _sums(everything)
    for name, row in rows.items():
        print(
            f"{name:45} {row['inputs']:7} {row['clean']:6} {row['clear']:6} {row['faults']:6} "
            f"{row['worst_seconds']:6.2f} {row['worst_megabytes']:6.0f}"
        )
    audio = sum(len(done) for (group, _), done in verdicts.items() if group == "audio")
    return {**result, "audio_inputs": audio, "seed": _SEED.value}


def _sums(done: list[sandbox.Verdict]) -> dict:
    outcomes = [item.outcome for item in done]
    return {
        "inputs": len(done),
        "clean": outcomes.count(sandbox.CLEAN),
        "clear": outcomes.count(sandbox.CLEAR),
        "faults": sum(outcome in sandbox.FAULTS for outcome in outcomes),
        "worst_seconds": round(max(item.seconds for item in done), 2),
        "worst_megabytes": round(max(item.megabytes for item in done)),
    }


if __name__ == "__main__":
    app.run(main)
