"""Models of the literature by name, those with a law of the gap in closed form: each is an encoder and a decoder."""

import jax

from .._types import Key
from ..data import Events
from ._decoder import AbstractDecoder
from ._decoder_cumulative import CumulativeNetwork
from ._decoders_closed import Gompertz, LogNormalMixture
from ._decoders_marks import IndependentMarks, MarkGivenTime, TimeGivenMark
from ._encoders_recurrent import GRUHistory
from ._neural import NeuralPointProcess
from ._presets_intensity import built
from ._scale import frequencies, kinds_of


__all__ = ["cd_lognormal", "cd_rmtpp", "fullynn", "iftpp", "mark_given_time", "rmtpp"]


def _independent(record: Events, ground: AbstractDecoder, width: int, key: Key) -> AbstractDecoder:
    kinds = kinds_of(record)
    return ground if kinds == 1 else IndependentMarks(ground, width, kinds, key=key, shares=frequencies(record))


def cd_lognormal(record: Events, *, width: int = 32, components: int = 8, key: Key) -> NeuralPointProcess:
    r"""Conditionally dependent marks, $p(k) f_k(g)$: a mixture of log-normal laws for the gap of each kind.

    **Arguments:**

    - `record`: the data to be fitted: how many kinds there are, how often they occur, what a typical gap is.
    - `width`: of the encoder.
    - `components`: of a mixture.
    - `key`: a JAX key for the initial weights.

    **Returns:** a `NeuralPointProcess`.

    **Raises:** `ValueError` for a record with real marks, or sizes that do not fit.

    !!! example

        ```python
        import jax
        from sdekit.data import Events
        from sdekit.points import cd_lognormal
        record = Events.from_list([[0.5, 1.2], [0.25]], [[0, 1], [1]], t1=2.0)
        model = cd_lognormal(record, width=8, key=jax.random.key(0))
        ```

    Source: Waghmare, Debnath, Asthana and Malhotra (2022), section 4 (proposed LNM).
    """
    k1, k2, k3 = jax.random.split(key, 3)
    kinds = kinds_of(record)
    each = LogNormalMixture(width, kinds, components=components, key=k2)
    decoder = each if kinds == 1 else TimeGivenMark(each, width, key=k3, shares=frequencies(record))
    return built(record, GRUHistory(kinds, width, key=k1), decoder)


def cd_rmtpp(record: Events, *, width: int = 32, key: Key) -> NeuralPointProcess:
    r"""Conditionally dependent marks: a hazard of exponential form for each kind.

    **Arguments:**

    - `record`: the data to be fitted: how many kinds there are, how often they occur, what a typical gap is.
    - `width`: of the encoder.
    - `key`: a JAX key for the initial weights.

    **Returns:** a `NeuralPointProcess`.

    **Raises:** `ValueError` for a record with real marks, or sizes that do not fit.

    !!! example

        ```python
        import jax
        from sdekit.data import Events
        from sdekit.points import cd_rmtpp
        record = Events.from_list([[0.5, 1.2], [0.25]], [[0, 1], [1]], t1=2.0)
        model = cd_rmtpp(record, width=8, key=jax.random.key(0))
        ```

    Source: Waghmare, Debnath, Asthana and Malhotra (2022), section 4 (proposed RMTPP).
    """
    k1, k2 = jax.random.split(key)
    kinds = kinds_of(record)
    decoder = Gompertz(width, kinds, shares=frequencies(record), key=k2)
    return built(record, GRUHistory(kinds, width, key=k1), decoder)


def fullynn(record: Events, *, width: int = 32, key: Key) -> NeuralPointProcess:
    r"""The fully neural point process: a network as the compensator, and marks independent of the time.

    **Arguments:**

    - `record`: the data to be fitted: how many kinds there are, how often they occur, what a typical gap is.
    - `width`: of the encoder.
    - `key`: a JAX key for the initial weights.

    **Returns:** a `NeuralPointProcess`.

    **Raises:** `ValueError` for a record with real marks, or sizes that do not fit.

    !!! example

        ```python
        import jax
        from sdekit.data import Events
        from sdekit.points import fullynn
        record = Events.from_list([[0.5, 1.2], [0.25]], [[0, 1], [1]], t1=2.0)
        model = fullynn(record, width=8, key=jax.random.key(0))
        ```

    Source: Omi, Ueda and Aihara (2019), Fully neural network based model for general temporal point processes.
    """
    k1, k2, k3 = jax.random.split(key, 3)
    kinds = kinds_of(record)
    ground = CumulativeNetwork(width, 1, key=k2)
    decoder = _independent(record, ground, width, k3)
    return built(record, GRUHistory(kinds, width, key=k1), decoder)


def iftpp(record: Events, *, width: int = 32, components: int = 16, key: Key) -> NeuralPointProcess:
    r"""The intensity-free process: a mixture of log-normal gaps, and marks independent of the time.

    **Arguments:**

    - `record`: the data to be fitted: how many kinds there are, how often they occur, what a typical gap is.
    - `width`: of the encoder.
    - `components`: of a mixture.
    - `key`: a JAX key for the initial weights.

    **Returns:** a `NeuralPointProcess`.

    **Raises:** `ValueError` for a record with real marks, or sizes that do not fit.

    !!! example

        ```python
        import jax
        from sdekit.data import Events
        from sdekit.points import iftpp
        record = Events.from_list([[0.5, 1.2], [0.25]], [[0, 1], [1]], t1=2.0)
        model = iftpp(record, width=8, key=jax.random.key(0))
        ```

    Source: Shchur, Bilos and Gunnemann (2020), Intensity-free learning of temporal point processes.
    """
    k1, k2, k3 = jax.random.split(key, 3)
    kinds = kinds_of(record)
    ground = LogNormalMixture(width, 1, components=components, key=k2)
    decoder = _independent(record, ground, width, k3)
    return built(record, GRUHistory(kinds, width, key=k1), decoder)


def mark_given_time(record: Events, *, width: int = 32, components: int = 16, key: Key) -> NeuralPointProcess:
    r"""The intensity-free process with the kind of an event by a network that is told its time, $f(g)\,p(k \mid g)$.

    **Arguments:**

    - `record`: the data to be fitted: how many kinds there are, how often they occur, what a typical gap is.
    - `width`: of the encoder.
    - `components`: of a mixture.
    - `key`: a JAX key for the initial weights.

    **Returns:** a `NeuralPointProcess`.

    **Raises:** `ValueError` for a record with real marks, or sizes that do not fit.

    !!! example

        ```python
        import jax
        from sdekit.data import Events
        from sdekit.points import mark_given_time
        record = Events.from_list([[0.5, 1.2], [0.25]], [[0, 1], [1]], t1=2.0)
        model = mark_given_time(record, width=8, key=jax.random.key(0))
        ```

    Source: Waghmare, Debnath, Asthana and Malhotra (2022), section 3.
    """
    k1, k2, k3 = jax.random.split(key, 3)
    kinds = kinds_of(record)
    ground = LogNormalMixture(width, 1, components=components, key=k2)
    decoder = MarkGivenTime(ground, width, kinds, width=width, key=k3, shares=frequencies(record))
    return built(record, GRUHistory(kinds, width, key=k1), decoder)


def rmtpp(record: Events, *, width: int = 32, key: Key) -> NeuralPointProcess:
    r"""The recurrent marked temporal point process: a gated unit, exponential hazards, marks independent of the time.

    **Arguments:**

    - `record`: the data to be fitted: how many kinds there are, how often they occur, what a typical gap is.
    - `width`: of the encoder.
    - `key`: a JAX key for the initial weights.

    **Returns:** a `NeuralPointProcess`.

    **Raises:** `ValueError` for a record with real marks, or sizes that do not fit.

    !!! example

        ```python
        import jax
        from sdekit.data import Events
        from sdekit.points import rmtpp
        record = Events.from_list([[0.5, 1.2], [0.25]], [[0, 1], [1]], t1=2.0)
        model = rmtpp(record, width=8, key=jax.random.key(0))
        ```

    Source: Du et al. (2016), Recurrent marked temporal point processes.
    """
    k1, k2, k3 = jax.random.split(key, 3)
    kinds = kinds_of(record)
    decoder = _independent(record, Gompertz(width, 1, key=k2), width, k3)
    return built(record, GRUHistory(kinds, width, key=k1), decoder)
