import builtins
import hashlib
import os
import pickle
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sdekit.data
from sdekit.data import AbstractRecord, Entry, File, _registry, _store, datasets, load, register
from sdekit.evaluate import assert_mean


KINDS = {name: getattr(sdekit.data, name) for name in ("Series", "Labelled", "Panel", "Events", "Snapshots")} | {
    "arrays": dict
}
ENTRIES = list(datasets().values())
needs_folder = pytest.mark.skipif(not os.environ.get("SDEKIT_DATA"), reason="SDEKIT_DATA names no folder of data")


def options(entry):
    return {"key": jax.random.key(0)} if "key" in entry.options.split(", ") else {}


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """An empty cache, no folder of data, and a network that answers from a dictionary."""
    pages = {}
    monkeypatch.delenv("SDEKIT_DATA", raising=False)
    monkeypatch.setattr(_store, "cache", lambda: tmp_path / "cache")

    class Answer:
        def __init__(self, content):
            self.blocks, self.headers = [content, b""], {"Content-Length": str(len(content))}

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return False

        def read(self, _size):
            return self.blocks.pop(0)

    def urlopen(url, timeout):
        assert timeout > 0
        if url not in pages:
            raise OSError("no route to host")
        return Answer(pages[url])

    monkeypatch.setattr(_store.urllib.request, "urlopen", urlopen)
    return pages


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
def test_every_entry_says_what_it_is(entry):
    assert entry.kind in KINDS
    assert entry.about.endswith(".") or entry.about[-1].isalnum() or entry.about.endswith(")")
    assert entry.licence
    assert entry.citation
    for file in entry.files:
        assert len(file.sha256) == 64
        assert int(file.sha256, 16) >= 0
        assert file.origin
        assert file.url.startswith("https://") or file.made


@needs_folder
@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.files], ids=lambda e: e.name)
def test_every_entry_with_a_file_loads(entry, capsys):
    record = load(entry.name)
    assert isinstance(record, KINDS[entry.kind])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["nile", "sunspots", "co2", "digits"])
@pytest.mark.usefixtures("nowhere")
def test_data_inside_packages_load_without_network(name, capsys):
    pytest.importorskip("sklearn" if name == "digits" else "statsmodels")
    record = load(name)
    assert isinstance(record, KINDS[datasets()[name].kind])
    assert capsys.readouterr() == ("", "")


def test_well_known_values():
    pytest.importorskip("statsmodels")
    nile = load("nile")
    assert repr(nile) == "Series(100 times, 1 component, 100 observed, 1871..1970 in years)"
    assert nile.ys[[0, -1], 0].tolist() == [1120.0, 740.0]
    assert nile.is_item
    co2 = load("co2")
    assert (co2.length, int(co2.observed())) == (2284, 2225)
    assert co2.clock.undo(co2.ts[0]).astype("datetime64[D]") == np.datetime64("1958-03-29")
    np.testing.assert_allclose(np.diff(co2.ts), 7 / 365.25, rtol=1e-6)


@needs_folder
def test_known_properties_of_files():
    nile = load("nile_minima")
    assert nile.ys[:5, 0].tolist() == [11.57, 10.88, 11.69, 11.69, 9.84]
    assert nile.length == 663
    later = load("nile_minima", last=1921, levels=("min_level", "max_level"))
    assert (later.length - later.mask.sum(0)).tolist() == [267, 190]
    assert load("mocap35", split="test").ys.shape == (4, 300, 50)
    assert load("msm_psor", covariates=("hieffusn",)).ts.shape[0] == 305
    assert load("msm_aneur").labels == ("1", "2", "3", "4")
    fev = load("msm_fev")
    assert int(fev.ys[..., 2].sum()) == 96
    assert not fev.mask[..., 0][fev.ys[..., 2] == 1].any()
    assert float(fev.ys.max()) < 999


@needs_folder
def test_known_properties_of_events():
    folds = [load("stackoverflow", fold=k, train=False) for k in (1, 2)]
    rest = load("stackoverflow", fold=1)
    assert len(folds[0]) + len(rest) == 6630
    assert str(rest.clock.origin).startswith("2012-01-01")
    quakes = load("japan_quakes", marks=("lat", "lon"))
    assert quakes.marks.shape == (6054, 2)
    stored, own = load("taobao", stored_gaps=True), load("taobao")
    assert stored.ts.shape == own.ts.shape
    assert not np.allclose(stored.ts, own.ts)  # the contradiction in the source, which a user has to choose in


@needs_folder
def test_known_properties_of_snapshots():
    assert load("sbirr_repressilator").ts[-1] == 7.5
    assert load("snapmmd_lv", held_out=True).ts.tolist() == [k + 0.5 for k in range(9)]
    assert load("eb_5pc").sizes.tolist() == [2381, 4163, 3278, 3665, 3332]


def test_variants_of_a_file_read_the_same(tmp_path):
    """What is downloaded raw is read as the converted copy is: here a table of earthquakes of two lines."""
    from sdekit.data._file_events import _quakes_csv

    path = tmp_path / "quakes.csv"
    path.write_text(
        'Year,Month,Day,Time,Lat,Lon,Depth,Mag,Region,Timestamp\n2016,01,30,03:25:12,53.9,158.5, 177.0,7.2,"a, b",1\n'
        '2015,05,30,11:23:02,27.8,140.4, 664.0,7.8,"c",2\n'
    )
    days, columns = _quakes_csv(path)
    assert columns["mag"].tolist() == [7.8, 7.2]
    expected = (np.datetime64("2015-05-30T11:23:02") - np.datetime64("1973-01-01")) / np.timedelta64(1, "D")
    np.testing.assert_allclose(days[0], expected, rtol=1e-12)


# Where files come from


CONTENT = b"year,level\n"
FILE = File("folder/levels.csv", hashlib.sha256(CONTENT).hexdigest(), "https://example.org/levels.csv", "example.org")


def test_a_file_is_downloaded_once_and_checked(nowhere, capfd):
    nowhere[FILE.url] = CONTENT
    (path,) = _store.fetch("levels", [FILE])
    assert path.read_bytes() == CONTENT
    nowhere.clear()
    assert _store.fetch("levels", [FILE]) == [path]
    assert capfd.readouterr().out == ""
    assert sorted(p.name for p in path.parent.iterdir()) == ["levels.csv"]


@pytest.mark.usefixtures("nowhere")
def test_a_folder_of_the_user_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("SDEKIT_DATA", str(tmp_path))
    (tmp_path / "levels.csv").write_bytes(CONTENT)
    assert _store.fetch("levels", [FILE]) == [tmp_path / "levels.csv"]


def test_content_that_is_not_the_expected_one_is_refused(nowhere, tmp_path, monkeypatch):
    nowhere[FILE.url] = b"<html>not found</html>"
    with pytest.raises(ValueError, match="is not the file that is expected"):
        _store.fetch("levels", [FILE])
    assert not list((tmp_path / "cache").rglob("*.csv"))
    monkeypatch.setenv("SDEKIT_DATA", str(tmp_path))
    (tmp_path / "levels.csv").write_bytes(b"tampered")
    with pytest.raises(ValueError, match=r"levels.csv` is not the file that is expected \(sha256"):
        _store.fetch("levels", [FILE])


@pytest.mark.usefixtures("nowhere")
def test_without_network_one_message_says_what_to_put_where():
    with pytest.raises(FileNotFoundError, match=r"could not be downloaded.*no route to host.*sha256"):
        _store.fetch("levels", [FILE])
    with pytest.raises(FileNotFoundError) as caught:
        load("taobao")
    said = str(caught.value)
    assert all(part in said for part in ("SDEKIT_DATA", "points/taobao_easytpp.npz", "91fea54c", "networkslab/cdiff"))


def test_the_first_variant_at_hand_is_taken(nowhere, tmp_path, monkeypatch):
    other = File("folder/other.csv", FILE.sha256, origin="elsewhere", made="converted")
    nowhere[FILE.url] = CONTENT
    (path,) = _store.fetch("levels", [other], [FILE])
    assert path.name == "levels.csv"
    monkeypatch.setenv("SDEKIT_DATA", str(tmp_path))
    (tmp_path / "other.csv").write_bytes(CONTENT)
    assert _store.fetch("levels", [other], [FILE])[0].name == "other.csv"


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "somewhere"}, Path("somewhere") / "sdekit"),
        ("linux", {}, Path("~").expanduser() / ".cache" / "sdekit"),
        ("darwin", {}, Path("~").expanduser() / "Library" / "Caches" / "sdekit"),
    ],
)
def test_the_cache_lies_where_the_platform_keeps_caches(platform, environment, expected, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(_store.sys, "platform", platform)
    assert _store.cache() == expected


def test_nothing_is_unpickled(tmp_path, monkeypatch):
    """An array of objects in a file is refused rather than run."""
    np.save(tmp_path / "LV_data.npy", np.array([{}, {}], dtype=object), allow_pickle=True)
    entry = datasets()["sbirr_lv"]
    monkeypatch.setattr(_store, "_require_hash", lambda *_: None)
    monkeypatch.setenv("SDEKIT_DATA", str(tmp_path))
    monkeypatch.setattr(pickle, "load", lambda *_: pytest.fail("unpickled"))
    with pytest.raises(ValueError, match="Object arrays cannot be loaded when allow_pickle=False"):
        load(entry.name)


# The registry


def test_unknown_names_and_options_are_answered_with_a_remedy():
    with pytest.raises(ValueError, match=r"`name` is not a data set, got 'nil'. Did you mean nile"):
        load("nil")
    with pytest.raises(
        TypeError, match=r"`years` is not an option of the data set `nile`, got 3. Its options are: none"
    ):
        load("nile", years=3)
    with pytest.raises(TypeError, match=r"`key` must be given for the data set `ou`.*jax.random.key"):
        load("ou")
    with pytest.raises(ValueError, match="`split` is not a part of the data, got 'all'"):
        load("mocap35", split="all")


def test_data_sets_are_listed_and_added(monkeypatch):
    monkeypatch.setattr(_registry, "_ENTRIES", dict(_registry._ENTRIES))
    with pytest.raises(ValueError, match="`name` is taken by another data set, got 'nile'"):
        register("nile", kind="Series", about="x", licence="x", citation="x")
    register("mine", kind="Series", about="My own.", licence="mine", citation="me")(lambda *, n=3: n)
    assert load("mine", n=4) == 4
    assert isinstance(datasets()["mine"], Entry)
    assert datasets()["mine"].options == "n=3"
    lines = repr(datasets()).splitlines()
    assert len(lines) == len(datasets())
    assert any("My own." in line for line in lines)
    assert str(datasets()["mine"]) == "mine (Series): My own. [mine] me"


@pytest.mark.parametrize(
    ("name", "module", "package"), [("nile", "statsmodels", "statsmodels"), ("digits", "sklearn", "scikit-learn")]
)
def test_a_missing_package_is_named(name, module, package, monkeypatch):
    real = builtins.__import__
    import importlib

    def absent(target, *args):
        if target.split(".")[0] == module:
            raise ImportError(target)
        return real(target, *args)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(
        ImportError, match=rf'`{package}`, which is not installed. Install it by pip install "sdekit\[data\]"'
    ):
        load(name)


# What is generated


@pytest.mark.parametrize("entry", [e for e in ENTRIES if "key" in e.options.split(", ")], ids=lambda e: e.name)
def test_generated_data_replay_from_the_key(entry):
    one, two = (load(entry.name, n=7, **options(entry)) for _ in range(2))
    other = load(entry.name, n=7, key=jax.random.key(1))
    assert isinstance(one, AbstractRecord)
    assert len(one) == 7
    leaves = [np.asarray(jax.tree.leaves(r)[1]) for r in (one, two, other)]
    np.testing.assert_array_equal(leaves[0], leaves[1])
    assert not np.array_equal(leaves[0], leaves[2])


def test_generated_processes_have_their_laws():
    ts = jnp.array([0.0, 0.5, 2.0])
    ou = load("ou", n=100_000, ts=ts, rate=1.5, mean=1.0, scale=0.7, key=jax.random.key(0)).ys[..., 0]
    variance = 0.7**2 / 3.0
    lag = (ou[:, 0] - 1.0) * (ou[:, 2] - 1.0)
    assert_mean(np.asarray(ou[:, 2]), 1.0, effect=0.02)
    assert_mean(np.asarray((ou[:, 1] - 1.0) ** 2), variance, effect=0.01)
    assert_mean(np.asarray(lag), variance * np.exp(-3.0), effect=0.01)
    gbm = load("gbm", n=100_000, ts=ts, drift=0.3, volatility=0.4, key=jax.random.key(0)).ys[..., 0]
    assert_mean(np.asarray(jnp.log(gbm[:, 2])), (0.3 - 0.08) * 2.0, effect=0.02)
    assert_mean(np.asarray(gbm[:, 1]), np.exp(0.15), effect=0.02)
    assert (gbm[:, 0] == 1).all()


def test_fractional_paths_have_their_covariance():
    # At H = 1/2 an Ornstein-Uhlenbeck process from 0; at any other the variance at small times is that of the noise.
    ts = jnp.array([0.0, 1e-3, 1.0])
    half = load("fou", n=50_000, ts=ts, hurst=0.5, rate=2.0, scale=1.5, noise=0.0, key=jax.random.key(0)).ys[..., 0]
    assert (half[:, 0] == 0).all()
    assert_mean(np.asarray(half[:, 2] ** 2), 1.5**2 / 4 * (1 - np.exp(-4.0)), effect=0.05)
    rough = load("fou", n=50_000, ts=ts, hurst=0.2, scale=1.5, noise=0.5, key=jax.random.key(0)).ys[..., 0]
    assert_mean(np.asarray(rough[:, 1] ** 2), 1.5**2 * 1e-3**0.4 + 0.25, effect=0.05, tolerance=1e-3)
    assert_mean(np.asarray(rough[:, 0] ** 2), 0.25, effect=0.013)


def test_moving_digits_stay_on_the_canvas_and_keep_their_ink():
    sklearn = pytest.importorskip("sklearn.datasets")
    film = load("moving_digits", n=6, frames=40, size=16, digits=1, key=jax.random.key(0))
    assert film.ys.shape == (6, 40, 256)
    assert (film.ys >= 0).all() and (film.ys <= 1).all()
    # A digit moves whole: the ink of a film is that of one of the digits in every frame.
    ink = np.asarray(film.ys.sum(-1))
    np.testing.assert_allclose(ink, np.broadcast_to(ink[:, :1], ink.shape), rtol=1e-4)
    totals = sklearn.load_digits().images.sum((1, 2)) / 16
    assert np.abs(ink[:, :1] - totals[None]).min(1).max() < 1e-3
    # It moves, and not along a line.
    grid = np.arange(16.0)
    rows = np.asarray(film.ys).reshape(6, 40, 16, 16).sum(3) @ grid / ink
    assert np.abs(np.diff(rows, axis=1)).max() > 0.5
    assert np.abs(np.diff(rows, 2, axis=1)).max() > 0.1
    assert rows.min() >= 0 and rows.max() <= 15
    with pytest.raises(ValueError, match="`size` must be above the 8 pixels"):
        load("moving_digits", size=8, key=jax.random.key(0))


def test_moving_digits_can_follow_fractional_brownian_motion():
    """Squared moves of 20000 coordinates, far from the edges, in units of lag^2H (chi-squared): 10 % would be seen."""
    from sdekit.data import _moving_digits as module

    hurst, frames, room = 0.25, 9, 1e4
    root = jnp.asarray(module._fractional_root(hurst, frames))
    x = np.asarray(module._wander(jax.random.key(0), (10000, 1, 2), room, root)).reshape(frames, -1)
    for lag in (1, 3, 8):
        assert_mean((x[lag] - x[0]) ** 2 / (0.1 * lag) ** (2 * hurst), 1.0, effect=0.1)
    folded = np.asarray(module._wander(jax.random.key(0), (200, 1, 2), 0.5, root))
    assert folded.min() >= 0 and folded.max() <= 0.5
    pytest.importorskip("sklearn.datasets")
    film = load("moving_digits", n=2, frames=5, size=16, digits=1, speed=4.0, hurst=0.3, key=jax.random.key(0))
    assert film.ys.shape == (2, 5, 256) and film.ys.max() <= 1
    with pytest.raises(ValueError, match="`hurst` must lie in"):
        load("moving_digits", hurst=1.5, key=jax.random.key(0))


def test_lotka_volterra_follows_its_equation():
    from scipy.integrate import solve_ivp

    record = load("lotka_volterra", n=400, scale=1e-6, key=jax.random.key(0))
    rhs = lambda _, x: [x[0] - 0.4 * x[0] * x[1], 0.1 * x[0] * x[1] - 0.4 * x[1]]
    exact = solve_ivp(rhs, [0, 8], [5.05, 4.05], t_eval=np.arange(9.0), rtol=1e-9).y.T
    # The start is uniform on a square of side 0.1; Euler steps of 0.01 add an error of their order.
    np.testing.assert_allclose(record.xs.mean(1), exact, rtol=0.06)


@needs_folder
def test_every_file_of_the_folder_has_an_entry():
    folder = Path(os.environ["SDEKIT_DATA"])
    known = {file.path for entry in ENTRIES for file in entry.files}
    lie = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.suffix != ".md"}
    assert lie <= known
