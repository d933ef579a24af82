"""What comes in: records."""

from ._record import AbstractRecord as AbstractRecord
from ._series import Series as Series


__all__ = ["AbstractRecord", "Series"]
