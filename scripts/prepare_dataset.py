r"""Writes the log-mel of corpora as TFRecord shards, for those that outgrow a machine's disk cache.

  python scripts/prepare_dataset.py --target=vggish --data_dir=LJSpeech-1.1,LibriSpeech \
      --output_dir=shards
  python scripts/train_inverter.py --layer=conv4 --data_dir=shards --output_dir=runs/conv4

Audio is read and transformed once, in parallel; training then streams the shards, in memory that
does not grow with the corpus. Small corpora do not need it: training caches them by itself.
"""

from absl import flags

import command
import path_flags
import target_flags

_LOAD_TARGET = target_flags.define_target_flags()
_DATA_DIR = path_flags.define_paths_flag(
    "data_dir", None, "Corpus folder(s) of speech.", required=True
)
_SPLIT = command.define_training_split_flag()
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The new folder.", required=True)
_PER_SHARD = flags.DEFINE_integer(
    "utterances_per_shard", 1000, "How many share a file.", lower_bound=1
)


def main():
    """Writes "train" and "validation"."""
    from vggish_inversion.data import splits, training_data
    from vggish_inversion.files import apart

    apart.check_apart(read=_DATA_DIR.value, written=[_OUTPUT_DIR.value])
    utterances = splits.training_splits(_DATA_DIR.value, split=_SPLIT.value, announce=print)
    written = training_data.write_dataset(
        utterances,
        _LOAD_TARGET().source,
        _OUTPUT_DIR.value,
        utterances_per_shard=_PER_SHARD.value,
    )
    for split, count in written.items():
        print(f"{split}: {count} of {len(utterances[split])} utterances")
    num_skipped = sum(map(len, utterances.values())) - sum(written.values())
    return command.exit_code(num_done=sum(written.values()), num_failed=num_skipped)


if __name__ == "__main__":
    command.run(main)
