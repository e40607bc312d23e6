# An image for batch jobs on NVIDIA GPUs; docs/batch_jobs.md says how to use it:
#
#   docker build --tag=vggish-inversion .
#   docker run --gpus=all vggish-inversion list_models
#
# No part of the tests builds it. CUDA comes with TensorFlow's own wheels; the host has the driver
# and the NVIDIA container toolkit.
FROM python:3.11-slim

# TensorFlow 2.16's wheels do not find the CUDA wheels by themselves (tensorflow/tensorflow#63362).
ENV NVIDIA=/usr/local/lib/python3.11/site-packages/nvidia
ENV LD_LIBRARY_PATH=$NVIDIA/cublas/lib:$NVIDIA/cuda_cupti/lib:$NVIDIA/cuda_nvrtc/lib:$NVIDIA/cuda_runtime/lib:$NVIDIA/cudnn/lib:$NVIDIA/cufft/lib:$NVIDIA/curand/lib:$NVIDIA/cusolver/lib:$NVIDIA/cusparse/lib:$NVIDIA/nccl/lib:$NVIDIA/nvjitlink/lib
ENV PATH=$NVIDIA/cuda_nvcc/bin:$PATH

# Clusters run containers as users without a home.
ENV NUMBA_CACHE_DIR=/tmp/numba MPLCONFIGDIR=/tmp/matplotlib HF_HOME=/tmp/huggingface

WORKDIR /build
COPY setup.py pyproject.toml README.md LICENSE ./
COPY vggish_inversion vggish_inversion
COPY scripts scripts
COPY hub_models hub_models
RUN pip install --no-cache-dir '.[gpu]' && rm -rf /build/*

WORKDIR /work
ENTRYPOINT ["vggish-inversion"]
