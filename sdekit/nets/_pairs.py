"""A network on the ordered pairs of a set, which names its members in no order."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float

from .._types import Array, Key
from ._checks import check_sizes


__all__ = ["PairNetwork"]


class PairNetwork(eqx.Module):
    r"""A map from features of ordered pairs, members and the whole to new features of pairs and members.

    Renaming the members renames the result: the network is equivariant under permutations. Members that are masked
    change nothing. In each layer a pair $h_{ij}$ hears from its reverse $h_{ji}$, from the means over its row and its
    column and over those of its reverse, from the mean over all, and from the paths through a third member,
    $\sum_k a(h_{ik})\, b(h_{kj})$, so that it can learn products of matrices.

    **Arguments:**

    - `pairs`, `nodes`, `whole`: numbers of features that go in.
    - `out_pairs`, `out_nodes`: numbers of features that come out.
    - `width`, `depth`: features of a pair inside, and layers.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes below 1.

    Source: Maron, Ben-Hamu, Shamir and Lipman (2019), Invariant and equivariant graph networks; the paths through a
    third member as in Jumper et al. (2021), Nature 596, supplement 1.6.5.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.nets import PairNetwork

        net = PairNetwork(2, 1, 3, out_pairs=1, out_nodes=1, width=8, depth=1, key=jax.random.key(0))
        pairs, nodes = net(jnp.zeros((4, 4, 2)), jnp.zeros((4, 1)), jnp.zeros(3), jnp.ones(4, bool))
        pairs.shape, nodes.shape  # (4, 4, 1), (4, 1)
        ```
    """

    enter: eqx.nn.Linear
    enter_nodes: eqx.nn.Linear
    enter_whole: eqx.nn.Linear
    layers: tuple["_Layer", ...]
    leave: eqx.nn.MLP
    leave_nodes: eqx.nn.MLP

    def __init__(
        self, pairs: int, nodes: int, whole: int, *, out_pairs: int, out_nodes: int, width: int, depth: int, key: Key
    ):
        check_sizes("PairNetwork", pairs=pairs, nodes=nodes, whole=whole, width=width, depth=depth)
        check_sizes("PairNetwork", out_pairs=out_pairs, out_nodes=out_nodes)
        keys = jax.random.split(key, depth + 5)
        self.enter = eqx.nn.Linear(2 * pairs, width, key=keys[0])
        self.enter_nodes = eqx.nn.Linear(nodes, 2 * width, key=keys[1])
        self.enter_whole = eqx.nn.Linear(whole, width, key=keys[2])
        self.layers = tuple(_Layer(width, k) for k in keys[5:])
        self.leave = eqx.nn.MLP(width, out_pairs, width, 1, jax.nn.silu, key=keys[3])
        self.leave_nodes = eqx.nn.MLP(2 * width + nodes, out_nodes, width, 1, jax.nn.silu, key=keys[4])

    def __call__(
        self, pairs: Float[Array, "n n f"], nodes: Float[Array, "n g"], whole: Float[Array, " w"],
        mask: Bool[Array, " n"],
    ) -> tuple[Float[Array, "n n p"], Float[Array, "n q"]]:  # fmt: skip
        pairs = jnp.where((mask[:, None] & mask[None, :])[..., None], pairs, 0)
        nodes = jnp.where(mask[:, None], nodes, 0)
        mean = mask.astype(pairs.dtype) / jnp.maximum(mask.sum(), 1)
        first, second = jnp.split(_each(self.enter_nodes, nodes, 1), 2, axis=-1)
        h = _each(self.enter, jnp.concatenate([pairs, pairs.swapaxes(0, 1)], -1), 2)
        h = h + first[:, None] + second[None, :] + self.enter_whole(whole)[None, None]
        for layer in self.layers:
            h = h + layer(h, mean)
        rows = jnp.einsum("ijw,j->iw", h, mean)
        columns = jnp.einsum("ijw,i->jw", h, mean)
        return _each(self.leave, h, 2), _each(self.leave_nodes, jnp.concatenate([rows, columns, nodes], -1), 1)


def _each(f, x: Array, axes: int) -> Array:
    for _ in range(axes):
        f = jax.vmap(f)
    return f(x)


class _Layer(eqx.Module):
    norm: eqx.nn.LayerNorm
    own: eqx.nn.Linear
    nodes: eqx.nn.Linear
    whole: eqx.nn.Linear
    paths: eqx.nn.Linear
    out: eqx.nn.Linear

    def __init__(self, width: int, key: Key):
        keys = jax.random.split(key, 5)
        self.norm = eqx.nn.LayerNorm(width)
        self.own = eqx.nn.Linear(2 * width, width, key=keys[0])
        self.nodes = eqx.nn.Linear(3 * width, 2 * width, use_bias=False, key=keys[1])
        self.whole = eqx.nn.Linear(width, width, use_bias=False, key=keys[2])
        self.paths = eqx.nn.Linear(width, width // 2 * 2, key=keys[3])
        self.out = eqx.nn.Linear(width + width // 2, width, key=keys[4])

    def __call__(self, h: Array, mean: Array) -> Array:
        h = _each(self.norm, h, 2)
        rows, columns = jnp.einsum("ijw,j->iw", h, mean), jnp.einsum("ijw,i->jw", h, mean)
        diagonal = jnp.einsum("iiw->iw", h)
        both = _each(self.nodes, jnp.concatenate([rows, columns, diagonal], -1), 1)
        first, second = jnp.split(both, 2, axis=-1)
        whole = self.whole(mean @ rows)
        own = _each(self.own, jnp.concatenate([h, h.swapaxes(0, 1)], -1), 2)
        hidden = jax.nn.silu(own + first[:, None] + second[None, :] + whole[None, None])
        a, b = jnp.split(_each(self.paths, h, 2), 2, axis=-1)
        through = jnp.einsum("ikw,kjw,k->ijw", a, b, mean)
        return _each(self.out, jnp.concatenate([hidden, through], -1), 2)
