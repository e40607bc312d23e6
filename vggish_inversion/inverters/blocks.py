"""The layers that every decoder has: its last convolution, and normalisation behind the others."""

import keras


def batch_norm_relu(x, name: str):
    """Batch normalisation, with running means that short training can fill, and a ReLU."""
    x = keras.layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def output_convolution(x, initializer):
    """One band-and-frame value from each place's channels; float32 under any precision."""
    return keras.layers.Conv2D(
        1, 3, padding="same", kernel_initializer=initializer, dtype="float32", name="output_conv"
    )(x)
