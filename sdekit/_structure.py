"""What is known of a diffusion beside its coefficients: types, not strings."""

__all__ = [
    "AbstractInterpretation",
    "AbstractNoiseStructure",
    "Additive",
    "Diagonal",
    "General",
    "Ito",
    "Scalar",
    "Stratonovich",
]


class AbstractInterpretation:
    """The sense of a stochastic integral. `Ito` or `Stratonovich`, used as types.

    !!! example

        ```python
        import sdekit as sk
        issubclass(sk.processes.Ito, sk.processes.AbstractInterpretation)
        ```
    """


class Ito(AbstractInterpretation):
    """The integrand is taken at the left end of each step.

    !!! example

        ```python
        import sdekit as sk
        sk.processes.OrnsteinUhlenbeck(rate=1.0).interpretation  # Ito
        ```
    """


class Stratonovich(AbstractInterpretation):
    """The integrand is taken in the middle of each step; the ordinary chain rule holds.

    !!! example

        ```python
        import sdekit as sk
        issubclass(sk.processes.Stratonovich, sk.processes.AbstractInterpretation)
        ```
    """


class AbstractNoiseStructure:
    """What is known of a diffusion coefficient `g(t, x)`, used as a type. It decides which solvers do well.

    !!! example

        ```python
        import sdekit as sk
        sk.processes.OrnsteinUhlenbeck(rate=1.0).structure  # Additive
        ```
    """


class General(AbstractNoiseStructure):
    """Nothing is known: columns of `g` need not commute.

    !!! example

        ```python
        import sdekit as sk
        issubclass(sk.processes.General, sk.processes.AbstractNoiseStructure)
        ```
    """


class Scalar(AbstractNoiseStructure):
    """One Brownian motion drives all components.

    !!! example

        ```python
        import sdekit as sk
        issubclass(sk.processes.Scalar, sk.processes.AbstractNoiseStructure)
        ```
    """


class Diagonal(AbstractNoiseStructure):
    """`g` is diagonal and its entry `i` depends on `x` through `x_i` alone.

    !!! example

        ```python
        import sdekit as sk
        sk.processes.GeometricBrownianMotion().structure  # Diagonal
        ```
    """


class Additive(AbstractNoiseStructure):
    """`g` does not depend on `x`; Ito and Stratonovich agree.

    !!! example

        ```python
        import sdekit as sk
        sk.processes.BrownianMotion().structure  # Additive
        ```
    """
