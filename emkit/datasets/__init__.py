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


def _whole(name: str, source: str) -> Dataset:
    """Return a file as it is, all its columns as data."""
    features, table = _table(name)
    return Dataset(table, features, source)


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
    return _whole(
        "faithful.csv", "Azzalini and Bowman (1990), Applied Statistics 39:357-365; as in R datasets::faithful"
    )


def anaesthetists() -> Dataset:
    """Fitness for anaesthesia: 45 patients in classes 1 to 4 by five observers, the first of whom saw them three times.

    One row is one answer: patient, observer and class, each numbered from 1. Copies of the table differ in patient 7,
    whom the first observer put in classes 1, 2 and 2 here, and 1, 1 and 2 elsewhere.

    Source: A. P. Dawid and A. M. Skene (1979), Maximum likelihood estimation of observer error-rates using the EM
    algorithm, Applied Statistics 28, 20-28, table 1.
    """
    return _whole("anaesthetists.csv", "Dawid and Skene (1979), Applied Statistics 28:20-28, table 1")


def carcinoma() -> Dataset:
    """Carcinoma of the uterine cervix: 118 slides, each judged by seven pathologists; 1 is presence, 0 absence.

    Source: J. R. Landis and G. G. Koch (1977), An application of hierarchical kappa-type statistics in the assessment
    of majority agreement among multiple observers, Biometrics 33, 363-374; A. Agresti (2002), Categorical Data
    Analysis, table 13.1. The values are those of R's `poLCA::carcinoma`, less one.
    """
    return _whole("carcinoma.csv", "Landis and Koch (1977), Biometrics 33:363-374; as in R poLCA::carcinoma")


def ethanol() -> Dataset:
    """Exhaust of an engine that burns ethanol: nitric oxide (μg/J) and equivalence ratio, how rich the mixture was.

    Source: N. D. Brinkman (1981), Ethanol fuel: a single-cylinder engine study of efficiency and exhaust emissions,
    SAE Transactions 90, 1410-1424. The values are those of R's `mixtools::NOdata`, 88 runs.
    """
    return _whole("ethanol.csv", "Brinkman (1981), SAE Transactions 90:1410-1424; as in R mixtools::NOdata")


def earthquakes() -> Dataset:
    """Earthquakes of magnitude 7 or more in the world, each year from 1900 to 2006; 107 rows in order of time.

    Source: W. Zucchini and I. L. MacDonald (2009), Hidden Markov Models for Time Series, table 1.1; United States
    Geological Survey.
    """
    return _whole("earthquakes.csv", "Zucchini and MacDonald (2009), Hidden Markov Models for Time Series, table 1.1")


def speed() -> Dataset:
    """Answers of one person who was paid for speed or for accuracy: 439 trials in three series, in order of time.

    Log reaction time (log ms) and whether the answer was correct; the labels tell the series, of 168, 134 and 137.

    Source: G. Dutilh, E.-J. Wagenmakers, I. Visser and H. L. J. van der Maas (2011), A phase transition model for the
    speed-accuracy trade-off in response time experiments, Cognitive Science 35, 211-250. The values are those of R's
    `depmixS4::speed`.
    """
    header, table = _table("speed.csv")
    return Dataset(
        data=table[:, :2].copy(),
        features=header[:2],
        source="Dutilh, Wagenmakers, Visser and van der Maas (2011), Cognitive Science 35:211-250; as in depmixS4",
        labels=table[:, 2].astype(np.int64),
        label_names=("first series", "second series", "third series"),
    )


def biochemists() -> Dataset:
    """Articles of 915 PhD students of biochemistry in the last three years, with five facts about each.

    The number of articles, woman and married (1 is yes), children of five years or younger, the prestige of the
    department, and the number of articles of the mentor in the same years.

    Source: J. S. Long (1990), The origins of sex differences in science, Social Forces 68, 1297-1316. The values are
    those of R's `pscl::bioChemists`.
    """
    return _whole("biochemists.csv", "Long (1990), Social Forces 68:1297-1316; as in R pscl::bioChemists")


def nile() -> Dataset:
    """The annual flow of the Nile at Aswan, 1871 to 1970: the year, and the flow in 1e8 cubic metres.

    Source: G. W. Cobb (1978), The problem of the Nile: conditional solution to a change-point problem, Biometrika 65,
    243-251. The values are those of R's `datasets::Nile`.
    """
    return _whole("nile.csv", "Cobb (1978), Biometrika 65:243-251; as in R datasets::Nile")


def airquality() -> Dataset:
    """Air quality in New York, 153 days of May to September 1973: ozone, sun, wind and temperature; nan is missing.

    Ozone in parts per billion (37 days missing), solar radiation in langleys (7 missing), wind in miles per hour and
    temperature in degrees Fahrenheit. Source: J. M. Chambers, W. S. Cleveland, B. Kleiner and P. A. Tukey (1983),
    Graphical Methods for Data Analysis, Wadsworth. The values are those of R's `datasets::airquality`.
    """
    return _whole(
        "airquality.csv",
        "Chambers, Cleveland, Kleiner and Tukey (1983), Graphical Methods; as in R datasets::airquality",
    )
