"""The best inverter of each tap so far, copied: only a better one replaces it."""

import pathlib
import shutil
from collections.abc import Sequence

from vggish_inversion.files import folders, names
from vggish_inversion.inverters import run as inverter_run
from vggish_inversion.inverters import search
from vggish_inversion.inverters.config import MODEL_FILE
from vggish_inversion.questions.inquiry import Inquiry
from vggish_inversion.results import inverter_name

FOLDER = "inverters"
_SAME = ("target_fingerprint", "layer", "validation_data", "log_mel")


def keep_better(inquiry: Inquiry, run_dir: pathlib.Path) -> str:
    """Keeps a finished inverter if none of its tap is as good on the validation recordings.

    Args:
        inquiry: whose output folder keeps one inverter of each tap.
        run_dir: the run's folder, two levels below the output folder, as the copy's.

    Returns:
        One line: which was kept, and why.
    """
    new = inverter_run.read_run(run_dir)
    folder = inquiry.output_dir / FOLDER / names.file_name(new.layer)
    before = search.read_runs(folder) if folder.is_dir() else []
    comparable = [
        run for run in before if all(run.config.get(key) == new.config.get(key) for key in _SAME)
    ]
    best = min([*comparable, new], key=lambda run: run.held_out_nats)
    if best is new:
        made = folder / f"{new.preset}-{new.loss}-{new.sha256[:12]}"
        folders.write_once(made, lambda unfinished: _copy(run_dir, unfinished))
        best = inverter_run.read_run(made)
    for run in before:
        if run.folder != best.folder:
            shutil.rmtree(run.folder)
    others = dict.fromkeys(f"{run.preset} {run.held_out_nats:.3f}" for run in [*comparable, new])
    return f"{new.layer}: {best.preset} is kept (validation L1 in nats: {', '.join(others)})"


def kept_runs(inquiry: Inquiry) -> list[inverter_run.InverterRun]:
    """The inverters that are kept of the taps that are asked about, from shallow to deep."""
    layers = [tap.name for tap in inquiry.taps]
    return search.find_runs(inquiry.output_dir / FOLDER, inquiry.target, layers=layers)


def digests(runs: Sequence[inverter_run.InverterRun]) -> dict[str, str]:
    """Digests of weights by the names that run.json has."""
    return {inverter_name(run.layer, run.preset, run.loss): run.sha256 for run in runs}


def describe(runs: Sequence[inverter_run.InverterRun]) -> dict[str, str]:
    """What run.json says of them: which was better, and how good it is, by layer."""
    return {run.layer: f"{run.preset}, validation L1 {run.held_out_nats:.3f} nats" for run in runs}


def _copy(run_dir: pathlib.Path, unfinished: pathlib.Path) -> None:
    for name in (MODEL_FILE, "config.json", "history.csv"):
        shutil.copyfile(run_dir / name, unfinished / name)
