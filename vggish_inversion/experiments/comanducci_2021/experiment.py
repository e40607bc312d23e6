"""Runs every step of the paper's experiment; skips what is done."""

import dataclasses
import math
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from vggish_inversion import evaluation, report, results
from vggish_inversion.data import corpora, splits, training_data
from vggish_inversion.experiments.comanducci_2021 import published
from vggish_inversion.inverters import grid as inverter_grid
from vggish_inversion.inverters import run, training
from vggish_inversion.targets import encoder
from vggish_inversion.targets.taps import Tap

# 300 epochs, each with one random patch of every utterance.
PUBLISHED_PATCHES_PER_UTTERANCE = 300

# How inverters are trained: as published (but that the rate falls along a cosine), or as this
# project does by default, which arrives sooner.
RECIPES: Mapping[str, training.TrainConfig] = {
    "published": training.TrainConfig(optimizer="adam", learning_rate=1e-4, batch_size=256),
    "ours": training.TrainConfig(),
}


@dataclasses.dataclass(frozen=True)
class Experiment:
    """What is to be done.

    Attributes:
        data_dirs: corpora.
        output_dir: receives `log_mel_cache/`, `runs/`, `results/` and `beside_published.csv`.
        layers: taps or aliases; all if None.
        recipe: how inverters are trained; preset, loss, epochs and seed are set apart.
        seed: of weights and patches.
        num_epochs: passes over the corpus; None: as many as see as many patches as the paper's.
        split: of the corpora, that is measured on.
        limit: at most so many utterances of it, spread evenly.
        grid: recognisers, and the like.
    """

    data_dirs: Sequence[str | pathlib.Path]
    output_dir: pathlib.Path
    layers: Sequence[str] | None = None
    recipe: training.TrainConfig = RECIPES["published"]
    seed: int = 0
    num_epochs: int | None = None
    split: str = "test"
    limit: int | None = None
    grid: evaluation.Grid = evaluation.Grid()

    @property
    def runs_dir(self) -> pathlib.Path:
        """Receives a folder per inverter."""
        return self.output_dir / "runs"

    @property
    def comparison_path(self) -> pathlib.Path:
        """Receives our scores and the published ones."""
        return self.output_dir / "beside_published.csv"

    def taps(self, target: encoder.TargetEncoder) -> list[Tap]:
        """Those that `layers` names, in its order, each once.

        Raises:
            ValueError: on an unknown layer.
        """
        names = self.layers or [tap.name for tap in target.taps]
        return list(dict.fromkeys(target.tap(name) for name in names))

    def utterances(self) -> list[corpora.Utterance]:
        """What is measured on.

        Raises:
            corpora.CorpusError: if there is nothing.
        """
        return corpora.thin(corpora.read_corpora(self.data_dirs, split=self.split), self.limit)

    def epochs(self, *, num_utterances: int, num_patches: int) -> int:
        """Passes over a training split of so many utterances, and patches side by side."""
        patches = PUBLISHED_PATCHES_PER_UTTERANCE * num_utterances
        return self.num_epochs or math.ceil(patches / max(1, num_patches))

    def configs(self, num_epochs: int) -> list[training.TrainConfig]:
        """RecCNN and RecGAN."""
        return [
            dataclasses.replace(
                self.recipe, preset="paper", loss=loss, num_epochs=num_epochs, seed=self.seed
            )
            for loss in training.LOSSES
        ]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        runs: all inverters, those that failed too.
        results: rows of results.csv.
        comparison: rows of beside_published.csv.
        page: the report.
    """

    runs: Sequence[inverter_grid.GridRun]
    results: Sequence[Mapping[str, str]]
    comparison: Sequence[Mapping]
    page: pathlib.Path

    @property
    def num_done(self) -> int:
        """Utterances that were measured with some inverter."""
        return results.count_utterances(self.results)["num_done"]

    @property
    def num_failed(self) -> int:
        """Inverters and utterances that failed."""
        failed = sum(bool(item.error) for item in self.runs)
        return failed + results.count_utterances(self.results)["num_failed"]


def reproduce(
    experiment: Experiment,
    target: encoder.TargetEncoder,
    *,
    settings: Mapping,
    announce: Callable[[str], None] = print,
    progress: Callable[[Sequence], Iterable] = iter,
) -> Outcome:
    """Trains, measures, and compares; called again, it goes on where it was.

    Args:
        experiment: what is to be done.
        target: the frozen network.
        settings: provenance, for every config.json and for run.json.
        announce: is told what begins.
        progress: wraps the iteration over utterances.

    Raises:
        ValueError: if the folder holds another experiment, nothing can be read, or no inverter
            could be trained.
    """
    taps = experiment.taps(target)
    utterances = experiment.utterances()  # a corpus without them is refused before days of training
    chosen = splits.training_splits(experiment.data_dirs, announce=announce)
    caches = training_data.read_training_data(
        experiment.data_dirs, target.source, experiment.output_dir / "log_mel_cache"
    )
    num_epochs = experiment.epochs(
        num_utterances=len(chosen["train"]), num_patches=caches["train"].num_patches
    )
    settings = {**settings, "data_dir": [str(folder) for folder in experiment.data_dirs]}
    runs = inverter_grid.train_grid(
        target,
        [(tap, config) for tap in taps for config in experiment.configs(num_epochs)],
        data=caches,
        folder=experiment.runs_dir,
        settings=settings,
        announce=announce,
    )
    trained = [run.read_run(item.folder) for item in runs if not item.error]
    if not trained:
        raise ValueError(f"no inverter could be trained: {runs[0].error}")
    folder = experiment.output_dir / "results"
    announce(f"measuring {len(trained)} inverters on {len(utterances)} utterances: {folder}")
    rows = evaluation.evaluate_runs(
        utterances,
        target,
        trained,
        grid=experiment.grid,
        output_dir=folder,
        settings={**settings, "split": experiment.split},
        progress=progress,
    )
    comparison = published.write_comparison(folder, experiment.comparison_path)
    page = report.write_page(folder, extra_tables=[published.page_table(comparison)])
    return Outcome(runs, rows, comparison, page)
