"""Chooses which utterances are trained on, and which are held out to validate on.

The choice is the same every time: a run that goes on sees what it saw before.
"""

import pathlib
from collections.abc import Callable, Sequence

from absl import logging

from vggish_inversion.data import corpora

TRAINED_ON = ("train", "all")
_HELD_OUT_EVERY = 20


def training_splits(
    data_dirs: Sequence[str | pathlib.Path],
    *,
    split: str = "train",
    announce: Callable[[str], None] = logging.info,
) -> dict[str, list[corpora.Utterance]]:
    """The utterances of "train" and "validation" of some corpora together.

    Where a small folder has no validation split, or all is trained on, one in twenty of the
    utterances that would be trained on is held out for it.

    Args:
        data_dirs: see `corpora.load_corpora`.
        split: what is trained on: "train", or "all" for every utterance, those for testing too.
        announce: is told how the corpora were read and split, a line each.

    Returns:
        By "train" and "validation", neither empty and no utterance in both, in the order of the
        corpora. Utterances that are held out may be of speakers that are trained on.

    Raises:
        corpora.CorpusError: if there is nothing to train on, or nothing can be held out.
        ValueError: if `split` is another.
    """
    if split not in TRAINED_ON:
        raise ValueError(f"cannot train on the split {split!r}; expected {' or '.join(TRAINED_ON)}")
    read = corpora.load_corpora(data_dirs)
    corpora.tell(read, announce)
    train = corpora.in_split(read, split)
    everything = [item for corpus in read for item in corpus.utterances]
    validation = [item for item in everything if item.split == "validation" and split == "train"]
    held_out = "the validation split"
    if not validation:
        validation = train[::_HELD_OUT_EVERY]
        del train[::_HELD_OUT_EVERY]
        held_out = f"held out, 1 in {_HELD_OUT_EVERY} of {'all' if split == 'all' else 'train'}"
    if not train:
        raise corpora.CorpusError("one utterance is not enough to train on; give more speech")
    num_unused = len(everything) - len(train) - len(validation)
    announce(
        f"training on {len(train)} recordings, validating on {len(validation)} ({held_out}); "
        f"{num_unused} are not used"
    )
    return {"train": train, "validation": validation}
