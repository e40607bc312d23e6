"""Networks such as a user may bring."""

import keras

layers = keras.layers


def small_cnn(shape=(96, 64), *, name="small_cnn") -> keras.Model:
    """Convolution, pool, dropout, dense: one of each kind that matters here."""
    seeds = iter(range(100))

    def he():
        return keras.initializers.HeNormal(next(seeds))

    inputs = keras.Input(shape, name="log_mel")
    x = inputs if len(shape) == 3 else layers.Reshape((*shape, 1), name="channel")(inputs)
    x = layers.Conv2D(4, 3, 2, "same", activation="relu", kernel_initializer=he(), name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    skip = layers.Conv2D(4, 3, padding="same", kernel_initializer=he(), name="linear_conv")(x)
    x = layers.ReLU(6.0, name="relu6")(layers.Add(name="add")([x, skip]))
    x = layers.GlobalAveragePooling2D(name="average")(x)
    x = layers.Dense(3, activation="softmax", kernel_initializer=he(), name="classes")(x)
    return keras.Model(inputs, x, name=name)


def waveform_cnn(*, mag_exp: float = 1.0, samples=None) -> keras.Model:
    """A network on waveforms, with the front end that Keras ships."""
    inputs = keras.Input((samples,), name="waveform")
    mel = layers.MelSpectrogram(
        fft_length=512,
        sequence_stride=160,
        sequence_length=400,
        sampling_rate=16000,
        num_mel_bins=64,
        min_freq=125.0,
        max_freq=7500.0,
        power_to_db=False,
        mag_exp=mag_exp,
        name="mel",
    )(inputs)
    mel = layers.Permute((2, 1), name="time_first")(mel)
    log_mel = layers.Identity(name="log_mel")(keras.ops.log(mel + 0.01))
    image = keras.ops.expand_dims(log_mel, -1)
    x = layers.Conv2D(2, 3, padding="same", activation="relu", name="conv")(image)
    x = layers.GlobalMaxPooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(2, name="classes")(x), name="waveform_cnn")
