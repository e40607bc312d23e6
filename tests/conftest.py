"""What every test is collected and run with."""


def pytest_collection_modifyitems(items):
    """Leaves out what tf.test.TestCase brings into each class: a method, but no test."""
    items[:] = [item for item in items if not _is_tensorflows(item)]


def _is_tensorflows(item) -> bool:
    module = getattr(getattr(item, "function", None), "__module__", "")
    return item.name == "test_session" and module.startswith("tensorflow.")
