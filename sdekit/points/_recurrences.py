"""Recurrences of gated units over events, with derivatives of their own.

Reverse mode through a scan keeps what each step computed and adds to the gradient of the weights at each. Here a scan
keeps its states alone; what the gates were is found again for all steps by one product, the scan backwards carries
cotangents of the state, and the gradient of the weights is one product at the end. Weights stand on the right of
products: their gradients then need no transposition of what is long.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._decoder import softplus


__all__ = ["decaying", "decaying_step", "gated", "gated_step"]


def gated_step(
    h: Float[Array, " h"], told: Float[Array, " 3*h"], recurrent: Float[Array, "h 3*h"], fresh: Float[Array, " h"]
) -> Float[Array, " h"]:
    """One step of a gated recurrent unit, from what an event adds to the gates."""
    return _gated_step(h, told, recurrent, fresh)[0]


def _gated_step(h, told, recurrent, fresh):
    product, cut = h @ recurrent, 2 * h.shape[-1]
    gates = jax.nn.sigmoid(told[:cut] + product[:cut])
    r, z = jnp.split(gates, 2)
    n = jnp.tanh(told[cut:] + r * (product[cut:] + fresh))
    return n + z * (h - n), gates


@jax.custom_vjp
def gated(
    told: Float[Array, "e 3*h"], recurrent: Float[Array, "h 3*h"], fresh: Float[Array, " h"], start: Float[Array, " h"]
) -> Float[Array, "e h"]:
    """The states of a gated recurrent unit after each event; Cho et al. (2014)."""
    return _gated_forward(told, recurrent, fresh, start)[0]


def _gated_forward(told, recurrent, fresh, start):
    def step(h, row):
        h, gates = _gated_step(h, row, recurrent, fresh)
        # Kept for the way back; on a CPU what is kept is also a loop of its own, which is vectorised.
        return h, (h, gates)

    states, gates = jax.lax.scan(step, start, told)[1]
    return states, (told, recurrent, fresh, start, states, gates)


def _gated_backward(kept, cotangents):
    told, recurrent, fresh, start, states, gates = kept
    before, cut = jnp.concatenate([start[None], states[:-1]]), 2 * start.shape[0]
    r, z = jnp.split(gates, 2, axis=-1)
    w = before @ recurrent[:, cut:] + fresh[None]
    n = jnp.tanh(told[:, cut:] + r * w)
    by_n = (1 - z) * (1 - n * n)
    by_told = jnp.concatenate([by_n * w * r * (1 - r), (before - n) * z * (1 - z), by_n], axis=-1)
    shares = jnp.concatenate([by_told[:, :cut], by_n * r], axis=-1)
    back = recurrent.T

    def step(late, row):
        own, share, keep = row
        whole = late + own
        return whole * keep + (jnp.tile(whole, 3) * share) @ back, whole

    first, whole = jax.lax.scan(step, jnp.zeros_like(start), (cotangents, shares, z), reverse=True)
    thrice = jnp.tile(whole, (1, 3))
    return thrice * by_told, before.T @ (thrice * shares), (whole * shares[:, cut:]).sum(axis=0), first


gated.defvjp(_gated_forward, _gated_backward)


def decaying_step(
    state: Float[Array, "4 h"], gap: Float[Array, ""], told: Float[Array, " 7*h"], recurrent: Float[Array, "h 7*h"]
) -> Float[Array, "4 h"]:
    """One step of a continuous-time LSTM, whose state is its cell, target, decay and output gate."""
    cell, _, seen = _decayed(state, gap)
    return _opened(state[1], cell, told + seen @ recurrent)[0]


def _decayed(state, gap):
    """The cell at the event, its hyperbolic tangent, and what the gates see."""
    cell, target, decay, out = (state[..., i, :] for i in range(4))
    cell = target + (cell - target) * jnp.exp(-decay * gap)
    squashed = jnp.tanh(cell)
    return cell, squashed, out * squashed


def _opened(target, cell, told):
    """The state after the event, and what the gates are."""
    i, f, i_bar, f_bar, o, z, d = jnp.split(told, 7, axis=-1)
    i, f, i_bar, f_bar, o = (jax.nn.sigmoid(x) for x in (i, f, i_bar, f_bar, o))
    z = jnp.tanh(z)
    state = jnp.stack([f * cell + i * z, f_bar * target + i_bar * z, softplus(d), o], axis=-2)
    return state, (i, f, i_bar, f_bar, o, z, jax.nn.sigmoid(d))


@jax.custom_vjp
def decaying(
    gaps: Float[Array, " e"], told: Float[Array, "e 7*h"], recurrent: Float[Array, "h 7*h"], start: Float[Array, "4 h"]
) -> Float[Array, "e 4 h"]:
    """The states of a continuous-time LSTM after each event; Mei and Eisner (2017), equations (5) to (7)."""

    def step(state, row):
        gap, told = row
        state = decaying_step(state, gap, told, recurrent)
        return state, state

    return jax.lax.scan(step, start, (gaps, told))[1]


def _decaying_forward(gaps, told, recurrent, start):
    states = decaying(gaps, told, recurrent, start)
    return states, (gaps, told, recurrent, start, states)


def _decaying_backward(kept, cotangents):
    gaps, told, recurrent, start, states = kept
    before = jnp.concatenate([start[None], states[:-1]])
    cell, squashed, seen = _decayed(before, gaps[:, None])
    target, decay, out = before[:, 1], before[:, 2], before[:, 3]
    _, (i, f, i_bar, f_bar, o, z, d) = _opened(target, cell, told + seen @ recurrent)
    fade, bend = jnp.exp(-decay * gaps[:, None]), 1 - z * z
    by_cell = jnp.concatenate([z * i * (1 - i), cell * f * (1 - f), i * bend], axis=-1)
    by_target = jnp.concatenate([z * i_bar * (1 - i_bar), target * f_bar * (1 - f_bar), i_bar * bend], axis=-1)
    by_rest = jnp.concatenate([d, o * (1 - o)], axis=-1)
    by_seen = out * (1 - squashed * squashed)
    slope = -(before[:, 0] - target) * fade
    back = recurrent.T
    rows = (cotangents, by_cell, by_target, by_rest, by_seen, slope * gaps[:, None], f, f_bar, fade, squashed)

    def step(late, row):
        own, by_cell, by_target, by_rest, by_seen, by_decay, f, f_bar, fade, squashed = row
        whole = late + own
        a, b, c = jnp.split(jnp.tile(whole[0], 3) * by_cell, 3)
        a_bar, b_bar, c_bar = jnp.split(jnp.tile(whole[1], 3) * by_target, 3)
        last, out = jnp.split(jnp.concatenate([whole[2], whole[3]]) * by_rest, 2)
        at_told = jnp.concatenate([a, b, a_bar, b_bar, out, c + c_bar, last])
        at_seen = at_told @ back
        at_cell = whole[0] * f + at_seen * by_seen
        at_target = whole[1] * f_bar + at_cell * (1 - fade)
        return jnp.stack([at_cell * fade, at_target, at_cell * by_decay, at_seen * squashed]), (at_told, at_cell)

    first, (at_told, at_cell) = jax.lax.scan(step, jnp.zeros_like(start), rows, reverse=True)
    at_gaps = (at_cell * slope * decay).sum(axis=-1)
    return at_gaps, at_told, seen.T @ at_told, first


decaying.defvjp(_decaying_forward, _decaying_backward)
