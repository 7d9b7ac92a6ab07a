"""l2l: learning to listen, from raw two-person videos to a model of how one of them listens."""
