"""What every training shares.

The names of choices are here, so that flags can list them before Keras is imported.
"""

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
STRATEGIES = ("none", "mirrored", "multi_worker")
# What a run's folder is made of, inverters' and vocoders'.
RUN_PARTS = ("config.json", "checkpoint.npz", "history.csv", "inverter.keras", "vocoder.keras")
RUN_PARTS += ("tensorboard", "log_mel_cache", "segment_cache")
