"""One check that puts any network through what the project relies on."""

import pathlib
import re
import tempfile

import keras
import numpy as np
import tensorflow as tf


def check_keras_model(
    test: tf.test.TestCase, build, input_shape, *, has_gradients: bool = True, no_gradient: str = ""
):
    """Checks shapes, config round trip, save and load, graph, mixed precision and gradients.

    Args:
        test: the test case.
        build: makes the model; called again for mixed precision. One output, or a dict of them.
        input_shape: of one example.
        has_gradients: whether every trainable variable must get a gradient.
        no_gradient: expression for the paths of variables that get one only as training goes on.
    """
    model = build()
    inputs = np.random.default_rng(0).normal(size=(2, *input_shape)).astype(np.float32)
    expected = _outputs(model(inputs, training=False))
    weights = model.get_weights()  # kept, for a step of training moves batch norm's means
    for value, tensor in zip(expected, _outputs(model.output), strict=True):
        test.assertTrue(tf.TensorShape(tensor.shape).is_compatible_with(value.shape), tensor)
        test.assertAllInRange(value, -1e6, 1e6)

    copy = model.__class__.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    test.assertAllClose(_outputs(copy(inputs, training=False)), expected, atol=1e-6)

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.keras"
        model.save(path)
        loaded = keras.saving.load_model(path, safe_mode=True)
    assert loaded is not None
    test.assertAllClose(_outputs(loaded(inputs, training=False)), expected, atol=1e-6)

    graph = tf.function(lambda batch: model(batch, training=False))
    test.assertAllClose(_outputs(graph(inputs)), expected, rtol=1e-4, atol=1e-4)

    if has_gradients:
        with tf.GradientTape() as tape:
            loss = sum(
                tf.reduce_mean(tf.square(output - 0.1))
                for output in _outputs(model(inputs, training=True))
            )
        gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
            test.assertIsNotNone(gradient, variable.path)
            if not no_gradient or not re.search(no_gradient, variable.path):
                test.assertGreater(np.abs(gradient).max(), 0.0, variable.path)

    policy = keras.mixed_precision.dtype_policy()
    try:
        keras.mixed_precision.set_dtype_policy("mixed_float16")
        mixed = build()
    finally:
        keras.mixed_precision.set_dtype_policy(policy)
    mixed.set_weights(weights)
    outputs = _outputs(mixed(inputs, training=False))
    for value, reference in zip(outputs, expected, strict=True):
        scale = max(1.0, float(np.abs(reference).max()))
        test.assertAllClose(tf.cast(value, tf.float32), reference, atol=0.02 * scale)
    return mixed


def _outputs(outputs) -> list:
    return list(outputs.values()) if isinstance(outputs, dict) else [outputs]
