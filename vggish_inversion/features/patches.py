"""Log-mel -> patches, and back, in a TensorFlow graph.

TensorFlow is imported where it is used; see `log_mel`.
"""

import numpy as np

from vggish_inversion.features.log_mel import scale_log_mel
from vggish_inversion.features.log_mel_params import LogMelParams
from vggish_inversion.features.sample_windows import Source


def patch_starts(
    num_frames: int, params: LogMelParams, *, hop_frames: int | None = None
) -> np.ndarray:
    """First frames of the patches of an utterance, as VGGish cuts them: what is left is dropped.

    Args:
        num_frames: frames of the utterance.
        params: the target's front end.
        hop_frames: distance between patches; `params.patch_hop_frames` if None.

    Returns:
        `[patches]` int64, empty where the utterance is shorter than a patch.

    >>> patch_starts(200, LogMelParams()).tolist()
    [0, 96]
    """
    last = num_frames - params.patch_frames
    return np.arange(0, last + 1, hop_frames or params.patch_hop_frames)


def covering_patch_starts(num_frames, params: LogMelParams, *, hop_frames: int | None = None):
    """First frames of patches that leave out no frame: the last one ends with the utterance.

    Args:
        num_frames: frames of the utterance, an int or a tensor of one.
        params: the target's front end.
        hop_frames: distance between patches; `params.patch_hop_frames` if None.

    Returns:
        tf.Tensor `[patches]` int32, empty where the utterance is shorter than a patch.

    >>> covering_patch_starts(200, LogMelParams()).numpy().tolist()
    [0, 96, 104]
    """
    import tensorflow as tf

    hop = hop_frames or params.patch_hop_frames
    last = num_frames - params.patch_frames
    count = tf.where(last < 0, 0, 1 + (last + hop - 1) // hop)
    return tf.minimum(hop * tf.range(count), last)


def log_mel_to_patches(log_mel, starts, params: LogMelParams, *, context_frames: int = 0):
    """Cuts patches, each with its context.

    Args:
        log_mel: `[frames, bands]`.
        starts: `[patches]` ints, their first frames.
        params: the target's front end.
        context_frames: frames before and after each patch; beyond the utterance its first and last
            frame go on.

    Returns:
        tf.Tensor `[patches, context_frames + patch_frames + context_frames, bands]`.
    """
    import tensorflow as tf

    window = tf.range(-context_frames, params.patch_frames + context_frames)
    frames = tf.cast(starts, tf.int32)[:, tf.newaxis] + window
    return tf.gather(log_mel, tf.clip_by_value(frames, 0, tf.shape(log_mel)[0] - 1))


def cut_windows(frames_or_samples, starts, source: Source, *, context_frames: int = 0):
    """Cuts what a network takes, each with its context.

    Args:
        frames_or_samples: log-mel `[frames, bands]`, or `[samples]`, as the source says.
        starts: `[windows]` ints, the log-mel frames at which they begin.
        source: what they are cut from.
        context_frames: frames before and after each; beyond the utterance the first and last frame
            of log-mel go on, and samples are silence.

    Returns:
        tf.Tensor `[windows, *source.window_shape(context_frames)]`.
    """
    if isinstance(source, LogMelParams):
        return log_mel_to_patches(frames_or_samples, starts, source, context_frames=context_frames)
    import tensorflow as tf

    [length] = source.window_shape(context_frames)
    first = source.place(tf.cast(starts, tf.int64) - context_frames)
    samples = first[:, tf.newaxis] + tf.range(length, dtype=tf.int64)
    last = tf.size(frames_or_samples, tf.int64) - 1
    inside = (samples >= 0) & (samples <= last)
    found = tf.gather(frames_or_samples, tf.clip_by_value(samples, 0, last))
    return tf.where(inside, found, tf.zeros_like(found))


def without_context(patches, params: LogMelParams):
    """The patches alone, of `[patches, context + patch_frames + context, bands]`."""
    before = (patches.shape[1] - params.patch_frames) // 2
    return patches[:, before : before + params.patch_frames]


def labelled(batch, params: LogMelParams):
    """What an inverter is given, through its target, and what it is to learn.

    Args:
        batch: log-mel patches with their context; or windows of samples and the patches in them.
        params: the log-mel that is learnt.

    Returns:
        The windows, and the patches in network range.
    """
    windows, patches = batch if isinstance(batch, tuple) else (batch, None)
    if patches is None:
        patches = without_context(windows, params)
    return windows, scale_log_mel(patches)


def patches_to_log_mel(patches, starts, params: LogMelParams):
    """Joins patches, cross-fading where they overlap; inverse of `log_mel_to_patches`.

    Args:
        patches: `[patches, patch_frames, bands]` float32.
        starts: `[patches]` ints, ascending from 0 with no gap: those of `covering_patch_starts`.
        params: the target's front end.

    Returns:
        tf.Tensor `[starts[-1] + patch_frames, bands]` float32.
    """
    import tensorflow as tf

    starts = tf.cast(starts, tf.int32)
    frames = (starts[:, tf.newaxis] + tf.range(params.patch_frames))[:, :, tf.newaxis]
    ramp = np.arange(1, params.patch_frames + 1, dtype=np.float32)
    fade = tf.constant(np.minimum(ramp, ramp[::-1]))[tf.newaxis, :, tf.newaxis]
    weights = tf.broadcast_to(fade, [tf.shape(starts)[0], params.patch_frames, 1])
    num_frames = starts[-1] + params.patch_frames
    total = tf.scatter_nd(frames, weights * patches, [num_frames, params.num_bands])
    return total / tf.scatter_nd(frames, weights, [num_frames, 1])
