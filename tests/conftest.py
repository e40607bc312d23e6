"""What every test is collected and run with."""

import os

# Each of pytest-xdist's workers is one thread of work: two of two threads each wait for each other,
# the longer the busier the machine is. Set before TensorFlow and its like are imported.
for _variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.setdefault(_variable, "1")

# What takes longest is begun first, or one of two workers ends long after the other.
_LONGEST = (
    "tests/inverters/training_test.py",
    "tests/demo_test.py",
    "tests/vocoders/",
    "tests/targets/",
    "tests/benchmarks_test.py",
    "tests/docs_test.py",
    "tests/reconstruction/",
    "tests/training/",
    "tests/scripts_test.py",
    "tests/experiments/",
)


def pytest_collection_modifyitems(items):
    """Leaves out what tf.test.TestCase brings into each class: a method, but no test."""
    items[:] = [item for item in items if not _is_tensorflows(item)]
    items.sort(key=_rank)  # stable: a module's tests stay together, in their order


def _rank(item) -> int:
    places = [item.nodeid.startswith(place) for place in _LONGEST]
    return places.index(True) if any(places) else len(places)


def _is_tensorflows(item) -> bool:
    module = getattr(getattr(item, "function", None), "__module__", "")
    return item.name == "test_session" and module.startswith("tensorflow.")
