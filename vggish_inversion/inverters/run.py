"""An inverter that was trained, read from its run's folder or from the model store."""

import dataclasses
import math
import pathlib
import re
from collections.abc import Mapping

import keras

from vggish_inversion import features
from vggish_inversion.features import views as tap_views
from vggish_inversion.files import documents, hub
from vggish_inversion.inverters import origin
from vggish_inversion.inverters.config import MODEL_FILE
from vggish_inversion.targets import encoder, loading

# Of config.json: what is read here.
_FIELDS = {
    **dict.fromkeys(("target", "target_fingerprint", "layer", "preset", "loss"), str),
    **{"target_weights": (str, type(None)), "target_seed": int, "log_mel": dict},
}
# Keras and TensorFlow take no slash in the name of a layer; "." and ".." are folders.
_NAME = re.compile(r"(?!\.{1,2}$)[^/\\\x00-\x1f]{1,120}")


@dataclasses.dataclass(frozen=True)
class InverterRun:
    """A trained inverter on disk.

    Attributes:
        folder: holds `inverter.keras` and `config.json`.
        config: the settings it was trained with.
    """

    folder: pathlib.Path
    config: Mapping

    def __repr__(self) -> str:
        """What it is."""
        source = f"{self.layer} of {self.config['target']}"
        return f"<InverterRun {self.folder}: {source}, {self.preset}-{self.loss}>"

    @property
    def layer(self) -> str:
        """The tap it inverts."""
        return self.config["layer"]

    @property
    def preset(self) -> str:
        """The preset of its network."""
        return self.config["preset"]

    @property
    def loss(self) -> str:
        """What it was trained with: "l1" is RecCNN."""
        return self.config["loss"]

    @property
    def num_views(self) -> int:
        """Patches on which it sees the tap (`features.views`); runs of before do not name them."""
        views = self.config.get("num_views")
        return views if isinstance(views, int) else 1

    @property
    def sha256(self) -> str:
        """Of the weights."""
        return hub.sha256(self.folder / MODEL_FILE)

    @property
    def last_epoch(self) -> Mapping[str, float]:
        """The last row of its history, which tells of these weights; empty if it was not kept."""
        path = self.folder / "history.csv"
        if not path.is_file():
            return {}
        try:
            last = documents.read_table(path)[-1]
            numbers = {key: float(value) for key, value in last.items()}
            if not all(map(math.isfinite, numbers.values())):
                raise ValueError("a number that is not finite")
            return numbers
        except (LookupError, ValueError) as error:
            raise hub.WeightsError(
                f"{path}: expected a table of numbers, a row per epoch"
            ) from error

    @property
    def held_out_nats(self) -> float:
        """Its L1 on patches of the validation split; infinite if its history was not kept."""
        return features.unscale_log_mel(self.last_epoch.get("val_loss", math.inf))

    def load_model(self) -> keras.Model:
        """The network: activations -> patches in network range.

        Raises:
            hub.WeightsError: if the file is damaged, or its views lay at other places than today.
        """
        self._check_views()
        return hub.read_keras_model(self.folder / MODEL_FILE)

    def _check_views(self) -> None:
        """Views that do not divide a patch once reached less than half a patch on each side."""
        if self.num_views == 1:
            return
        views = tap_views.Views(
            self.num_views, features.LogMelParams(**self.config["log_mel"]).patch_frames
        )
        if not views.is_even and self.config.get("context_frames") != views.context_frames:
            raise hub.WeightsError(
                f"{self.folder} was trained on {self.num_views} views of a patch of "
                f"{views.patch_frames} frames that lay closer together than they do now; train it "
                "anew"
            )

    def load_target(self, *, weights: str | None = None) -> encoder.TargetEncoder:
        """The frozen target that it was trained on, under the name that it had then.

        Args:
            weights: where the target's weights are now, if not where they were.

        Raises:
            ValueError: if they cannot be had.
        """
        return origin.target_source(self.config, self.folder, weights=weights).load()

    def is_of(self, target: encoder.TargetEncoder) -> bool:
        """Whether it inverts that network: by name, or, of your own, by what is in the file."""
        if self.config["target"] == target.name:
            return True
        if loading.is_family(self.config["target"]) or loading.is_family(target.name):
            return False
        trained_on = self.config["target_fingerprint"]
        return trained_on == target.fingerprint_as(trained_on)

    def check_target(self, target: encoder.TargetEncoder) -> None:
        """Makes sure that the inverter belongs to these very weights.

        Raises:
            ValueError: if it was trained on others.
        """
        trained_on = self.config["target_fingerprint"]
        found = target.fingerprint_as(trained_on)
        if trained_on != found or not self.is_of(target):
            raise ValueError(
                f"{self.folder} inverts {self.config['target']} with weights {trained_on}, not "
                f"{target.name} with {found}; name the weights it was trained on, "
                "or train it anew"
            )
        if self.layer not in {tap.name for tap in target.taps}:
            raise ValueError(
                f"{self.folder} inverts {self.layer!r}, a layer that {target.name} lacks; "
                "train it anew"
            )
        if features.LogMelParams(**self.config["log_mel"]) != target.log_mel:
            raise ValueError(
                f"{self.folder} was trained on another log-mel front end than {target.name} has; "
                "train it anew"
            )


def read_run(folder: str | pathlib.Path) -> InverterRun:
    """Reads the settings of one trained inverter.

    Raises:
        hub.WeightsError: if the folder holds none.
    """
    folder = pathlib.Path(folder)
    folder = folder.parent if folder.name == MODEL_FILE else folder
    if not (folder / MODEL_FILE).is_file() or not (folder / "config.json").is_file():
        raise hub.WeightsError(
            f"no trained inverter in {folder}; expected inverter.keras and config.json, "
            "as scripts/train_inverter.py writes when it is done"
        )
    config = documents.read_json(folder / "config.json", _FIELDS, error=hub.WeightsError)
    for name in ("layer", "preset", "loss"):  # which name files, of results and in the store
        if not _NAME.fullmatch(config[name]):
            raise hub.WeightsError(
                f"{folder / 'config.json'}: expected a name in {name}, got {config[name][:40]!r}"
            )
    try:
        features.LogMelParams(**config["log_mel"])
    except TypeError as error:
        raise hub.WeightsError(
            f"{folder / 'config.json'}: expected the settings of a log-mel; train it anew"
        ) from error
    return InverterRun(folder, config)
