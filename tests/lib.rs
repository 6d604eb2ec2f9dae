//! What needs more than one service: law tests, journeys, benchmarks. All of it is in `it/` and `bench/`.
