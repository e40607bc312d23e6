"""The folder of a run, without the training."""

import dataclasses
import json
import pathlib

from vggish_inversion.inverters import network, origin, run
from vggish_inversion.targets import encoder


def write(
    folder: pathlib.Path,
    target: encoder.TargetEncoder,
    layer: str,
    *,
    preset: str = "paper",
    num_views: int = 1,
) -> run.InverterRun:
    """An inverter that has not learned anything, as a run's folder."""
    folder.mkdir(parents=True)
    tap = target.tap(layer)
    inverter = network.build_inverter(
        tap.shape, preset=preset, params=target.log_mel, num_views=num_views
    )
    inverter.save(folder / "inverter.keras")
    config = {
        **origin.describe_target(target, folder),
        "layer": tap.name,
        "preset": preset,
        "loss": "l1",
        "log_mel": dataclasses.asdict(target.log_mel),
    }
    (folder / "config.json").write_text(json.dumps(config))
    return run.read_run(folder)
