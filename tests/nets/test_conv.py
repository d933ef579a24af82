"""Convolutions as products of matrices, against those of XLA."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit.nets import ConvEncoder


def test_the_features_are_those_of_xla_convolutions():
    side, channels = 12, (3, 5)
    net = ConvEncoder(side, channels, 4, key=jax.random.key(0))
    image = jax.random.normal(jax.random.key(1), (side**2,))
    x = image.reshape(1, side, side, 1)
    for kernel in net.kernels:
        weight = kernel.weight.T.reshape(3, 3, -1, kernel.weight.shape[0])
        x = jax.lax.conv_general_dilated(
            x, weight, (2, 2), ((1, 1), (1, 1)), dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = jax.nn.silu(x + kernel.bias.reshape(1, 1, 1, -1))
    assert x.shape == (1, 3, 3, 5)
    np.testing.assert_allclose(net(image), net.last(x.ravel()), rtol=1e-5, atol=1e-6)
    assert net(image.astype(jnp.float32)).shape == (4,)


@pytest.mark.parametrize(("side", "channels", "features", "word"), [
    (10, (3, 5), 4, "side"), (8, (), 4, "channels"), (8, (0,), 4, "channels"), (8, (2,), 0, "features"),
])  # fmt: skip
def test_sizes_are_checked(side, channels, features, word):
    with pytest.raises(ValueError, match=f"ConvEncoder.{word}"):
        ConvEncoder(side, channels, features, key=jax.random.key(0))
