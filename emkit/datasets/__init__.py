"""Small real data sets that ship with emkit, each with its source."""

from importlib import resources

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import Array


@attrs.frozen(eq=False)
class Dataset:
    """A table of real data and where it comes from."""

    data: Array  # (N, D)
    features: tuple[str, ...]
    source: str
    labels: npt.NDArray[np.int64] | None = None  # (N,) true groups where they are known
    label_names: tuple[str, ...] = ()


def _table(name: str) -> tuple[tuple[str, ...], Array]:
    with resources.files(__name__).joinpath(name).open(encoding="utf-8") as file:
        header = tuple(file.readline().strip().split(","))
        return header, np.loadtxt(file, delimiter=",", ndmin=2)


def iris() -> Dataset:
    """Fisher's iris: 150 flowers of three species, four measurements in centimetres.

    Source: R. A. Fisher (1936), The use of multiple measurements in taxonomic problems, Annals of Eugenics 7,
    179-188; data collected by E. Anderson (1935). The values are those of R's `datasets::iris`.
    """
    header, table = _table("iris.csv")
    return Dataset(
        data=table[:, :4].copy(),
        features=header[:4],
        source="Fisher (1936), Annals of Eugenics 7:179-188; as in R datasets::iris",
        labels=table[:, 4].astype(np.int64),
        label_names=("setosa", "versicolor", "virginica"),
    )


def faithful() -> Dataset:
    """Old Faithful: 272 eruptions of the geyser, duration and waiting time in minutes.

    Source: A. Azzalini and A. W. Bowman (1990), A look at some data on the Old Faithful geyser, Applied Statistics
    39, 357-365; W. Härdle (1991). The values are those of R's `datasets::faithful`.
    """
    header, table = _table("faithful.csv")
    return Dataset(
        data=table,
        features=header,
        source="Azzalini and Bowman (1990), Applied Statistics 39:357-365; as in R datasets::faithful",
    )
