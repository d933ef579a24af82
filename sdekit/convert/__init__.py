"""To and from other packages: pandas, xarray and ArviZ, NumPyro."""

from ._numpyro import numpyro_model as numpyro_model, with_parameters as with_parameters
from ._pandas import to_pandas as to_pandas
from ._xarray import from_xarray as from_xarray, to_xarray as to_xarray


__all__ = ["from_xarray", "numpyro_model", "to_pandas", "to_xarray", "with_parameters"]
