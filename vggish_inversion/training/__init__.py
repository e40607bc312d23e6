"""What every training shares.

The names of choices are here, so that flags can list them before Keras is imported.
"""

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
STRATEGIES = ("none", "mirrored", "multi_worker")
