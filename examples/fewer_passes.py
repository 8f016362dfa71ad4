"""A slow problem by four algorithms, and a stream that is looked at once."""

from collections.abc import Iterator

import numpy as np

import emkit
from emkit import EM, Anderson, GaussianMixture, OnlineEM, QuasiNewton, Squarem


def stream(chunks: int, rows: int = 500) -> Iterator[emkit.Array]:
    """Yield chunks of rows of three overlapping components, (500, 2), as they might come from a sensor."""
    rng = np.random.default_rng(0)
    places = np.array([[0.0, 0.0], [3.0, 0.0], [1.5, 2.5]])
    for _ in range(chunks):
        yield places[rng.choice(3, rows, p=[0.5, 0.3, 0.2])] + rng.normal(size=(rows, 2))


def main() -> None:
    eruptions = emkit.datasets.faithful().data
    start = GaussianMixture.start(eruptions, 3, rng=0)
    algorithms = {"EM": EM(), "Squarem": Squarem(), "Anderson": Anderson(), "QuasiNewton": QuasiNewton()}
    print(emkit.lab.compare(algorithms, eruptions, start=start, margin=1e-5))

    begin = GaussianMixture.start(next(stream(1)), 3, rng=0)
    online = OnlineEM(begin, average_from=100).run(stream(200))
    batch = emkit.fit(begin, np.concatenate(list(stream(200))), algorithm=Squarem())
    print("\nmeans of three components, by one look at each of 200 chunks and by a fit of all rows")
    for seen_once, seen_often in zip(online.averaged.means, batch.model.means, strict=True):
        print(np.round(seen_once, 2), np.round(seen_often, 2))


if __name__ == "__main__":
    main()
