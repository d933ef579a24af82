"""Models of the literature by name, those with an intensity that is integrated: each is an encoder and a decoder."""

import jax

from .._types import Key
from ..data import Events
from ._decoder import AbstractDecoder
from ._decoders_intensity import DriftingIntensity, MovingIntensity, RelaxingIntensity
from ._encoder import AbstractEventEncoder
from ._encoders_attention import AttentionHistory, AttentiveHistory
from ._encoders_recurrent import ContinuousLSTM, NeuralODEHistory
from ._encoders_state_space import StateSpaceHistory
from ._neural import NeuralPointProcess
from ._scale import GapScale, frequencies, kinds_of


__all__ = ["attnhp", "nhp", "odetpp", "s2p2", "sahp", "thp"]


def built(record: Events, encoder: AbstractEventEncoder, decoder: AbstractDecoder) -> NeuralPointProcess:
    """The process, its unit of time taken from the record."""
    return NeuralPointProcess(encoder=encoder, decoder=decoder, scale=GapScale.of(record))  # pyright: ignore[reportCallIssue]


def attnhp(
    record: Events, *, width: int = 32, layers: int = 2, heads: int = 4, nodes: int = 12, key: Key
) -> NeuralPointProcess:
    r"""The attentive neural Hawkes process: attention from the time that is asked about.

    **Arguments:**

    - `record`: the data to be fitted: how many kinds there are, how often they occur, what a typical gap is.
    - `width`: of the encoder.
    - `layers`, `heads`: of the attention.
    - `nodes`: of the quadrature between two events.
    - `key`: a JAX key for the initial weights.

    **Returns:** a `NeuralPointProcess`.

    **Raises:** `ValueError` for a record with real marks, or sizes that do not fit.

    !!! example

        ```python
        import jax
        from sdekit.data import Events
        from sdekit.points import attnhp
        record = Events.from_list([[0.5, 1.2], [0.25]], [[0, 1], [1]], t1=2.0)
        model = attnhp(record, width=8, key=jax.random.key(0))
        ```

    Source: Yang, Mei and Eisner (2022), Transformer embeddings of irregularly spaced events.
    """
    k1, k2 = jax.random.split(key)
    kinds = kinds_of(record)
    encoder = AttentiveHistory(kinds, width, layers=layers, heads=heads, key=k1)
    decoder = MovingIntensity(width, kinds, shares=frequencies(record), nodes=nodes, key=k2)
    return built(record, encoder, decoder)


def nhp(record: Events, *, width: int = 32, nodes: int = 12, key: Key) -> NeuralPointProcess:
    r"""The neural Hawkes process: a continuous-time LSTM whose cells decay, and softplus intensities.

    **Arguments:**

    - `record`: the data to be fitted: how many kinds there are, how often they occur, what a typical gap is.
    - `width`: of the encoder.
    - `nodes`: of the quadrature between two events.
    - `key`: a JAX key for the initial weights.

    **Returns:** a `NeuralPointProcess`.

    **Raises:** `ValueError` for a record with real marks, or sizes that do not fit.

    !!! example

        ```python
        import jax
        from sdekit.data import Events
        from sdekit.points import nhp
        record = Events.from_list([[0.5, 1.2], [0.25]], [[0, 1], [1]], t1=2.0)
        model = nhp(record, width=8, key=jax.random.key(0))
        ```

    Source: Mei and Eisner (2017), The neural Hawkes process.
    """
    k1, k2 = jax.random.split(key)
    kinds = kinds_of(record)
    decoder = MovingIntensity(width, kinds, shares=frequencies(record), nodes=nodes, key=k2)
    return built(record, ContinuousLSTM(kinds, width, key=k1), decoder)


def odetpp(record: Events, *, width: int = 16, nodes: int = 12, key: Key) -> NeuralPointProcess:
    r"""A state that flows along a learned field between events and jumps at each.

    **Arguments:**

    - `record`: the data to be fitted: how many kinds there are, how often they occur, what a typical gap is.
    - `width`: of the encoder.
    - `nodes`: of the quadrature between two events.
    - `key`: a JAX key for the initial weights.

    **Returns:** a `NeuralPointProcess`.

    **Raises:** `ValueError` for a record with real marks, or sizes that do not fit.

    !!! example

        ```python
        import jax
        from sdekit.data import Events
        from sdekit.points import odetpp
        record = Events.from_list([[0.5, 1.2], [0.25]], [[0, 1], [1]], t1=2.0)
        model = odetpp(record, width=8, key=jax.random.key(0))
        ```

    Source: Chen, Amos and Nickel (2021), Neural spatio-temporal point processes; Jia and Benson (2019).
    """
    k1, k2 = jax.random.split(key)
    kinds = kinds_of(record)
    decoder = MovingIntensity(width, kinds, shares=frequencies(record), nodes=nodes, key=k2)
    return built(record, NeuralODEHistory(kinds, width, key=k1), decoder)


def s2p2(
    record: Events, *, width: int = 32, states: int = 16, layers: int = 2, nodes: int = 12, key: Key
) -> NeuralPointProcess:
    r"""The state-space point process: linear state spaces driven by events, in parallel along a sequence.

    **Arguments:**

    - `record`: the data to be fitted: how many kinds there are, how often they occur, what a typical gap is.
    - `width`: of the encoder.
    - `states`, `layers`: of the state spaces.
    - `nodes`: of the quadrature between two events.
    - `key`: a JAX key for the initial weights.

    **Returns:** a `NeuralPointProcess`.

    **Raises:** `ValueError` for a record with real marks, or sizes that do not fit.

    !!! example

        ```python
        import jax
        from sdekit.data import Events
        from sdekit.points import s2p2
        record = Events.from_list([[0.5, 1.2], [0.25]], [[0, 1], [1]], t1=2.0)
        model = s2p2(record, width=8, key=jax.random.key(0))
        ```

    Source: Chang et al. (2025), Deep continuous-time state-space models for marked event sequences.
    """
    k1, k2 = jax.random.split(key)
    kinds = kinds_of(record)
    encoder = StateSpaceHistory(kinds, width, states=states, layers=layers, key=k1)
    decoder = MovingIntensity(width, kinds, shares=frequencies(record), nodes=nodes, key=k2)
    return built(record, encoder, decoder)


def sahp(
    record: Events, *, width: int = 32, layers: int = 2, heads: int = 4, nodes: int = 12, key: Key
) -> NeuralPointProcess:
    r"""The self-attentive Hawkes process: attention, and intensities that relax between events.

    **Arguments:**

    - `record`: the data to be fitted: how many kinds there are, how often they occur, what a typical gap is.
    - `width`: of the encoder.
    - `layers`, `heads`: of the attention.
    - `nodes`: of the quadrature between two events.
    - `key`: a JAX key for the initial weights.

    **Returns:** a `NeuralPointProcess`.

    **Raises:** `ValueError` for a record with real marks, or sizes that do not fit.

    !!! example

        ```python
        import jax
        from sdekit.data import Events
        from sdekit.points import sahp
        record = Events.from_list([[0.5, 1.2], [0.25]], [[0, 1], [1]], t1=2.0)
        model = sahp(record, width=8, key=jax.random.key(0))
        ```

    Source: Zhang, Lipani, Kirnap and Yilmaz (2020), Self-attentive Hawkes process.
    """
    k1, k2 = jax.random.split(key)
    kinds = kinds_of(record)
    encoder = AttentionHistory(kinds, width, layers=layers, heads=heads, key=k1)
    decoder = RelaxingIntensity(width, kinds, shares=frequencies(record), nodes=nodes, key=k2)
    return built(record, encoder, decoder)


def thp(
    record: Events, *, width: int = 32, layers: int = 2, heads: int = 4, nodes: int = 12, key: Key
) -> NeuralPointProcess:
    r"""The transformer Hawkes process: attention, and intensities whose argument is linear in the gap.

    **Arguments:**

    - `record`: the data to be fitted: how many kinds there are, how often they occur, what a typical gap is.
    - `width`: of the encoder.
    - `layers`, `heads`: of the attention.
    - `nodes`: of the quadrature between two events.
    - `key`: a JAX key for the initial weights.

    **Returns:** a `NeuralPointProcess`.

    **Raises:** `ValueError` for a record with real marks, or sizes that do not fit.

    !!! example

        ```python
        import jax
        from sdekit.data import Events
        from sdekit.points import thp
        record = Events.from_list([[0.5, 1.2], [0.25]], [[0, 1], [1]], t1=2.0)
        model = thp(record, width=8, key=jax.random.key(0))
        ```

    Source: Zuo, Jiang, Li, Zhao and Zha (2020), Transformer Hawkes process.
    """
    k1, k2 = jax.random.split(key)
    kinds = kinds_of(record)
    encoder = AttentionHistory(kinds, width, layers=layers, heads=heads, key=k1)
    decoder = DriftingIntensity(width, kinds, shares=frequencies(record), nodes=nodes, key=k2)
    return built(record, encoder, decoder)
