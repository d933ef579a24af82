"""Run the examples in full and keep their figures as the assets of the README and the gallery."""

import os
import runpy
import sys
from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent
MOST = 150_000


def main() -> None:
    assets = ROOT / "docs" / "assets"
    assets.mkdir(exist_ok=True)
    os.environ["SDEKIT_OUT"] = str(assets)
    os.environ.pop("SDEKIT_EXAMPLES", None)
    for script in sorted((ROOT / "examples").glob("[0-9]*.py")):
        runpy.run_path(str(script))
    large = [f"{p.name}: {p.stat().st_size} bytes" for p in assets.glob("*.png") if p.stat().st_size > MOST]
    if large:
        sys.exit(f"above {MOST} bytes: {', '.join(large)}")


if __name__ == "__main__":
    main()
