"""The commands that score: `evaluate` and `compare`. They parse and call, nothing else."""

import argparse
from collections.abc import Callable
from pathlib import Path

from l2l.errors import UserError

Arguments = argparse.Namespace


def evaluate(args: Arguments) -> None:
    if len(args.inputs) == 3:
        from l2l.evaluation.arrays import evaluate_arrays

        if args.samples or args.codebook or args.predictor or args.basis:
            raise UserError("--samples, --codebook, --predictor and --basis go with chunks, not with three arrays.")
        predicted, truth, speaker = args.inputs
        options = {"order": args.order, "recordings": args.recordings, "shifted": args.shifted}
        evaluate_arrays(predicted, truth, speaker, args.out, args.settings, **options)
        return
    from l2l.evaluation.evaluate import evaluate

    if len(args.inputs) != 1:
        raise UserError("give PRED TRUTH SPEAKER, three arrays, or one folder of chunks with --samples.")
    if args.samples is None or args.listener is None:
        raise UserError(f"{args.inputs[0]}: a folder of chunks needs --samples and --listener.")
    if args.recordings or args.shifted or args.order != "exp-pose":
        raise UserError("--recordings, --shifted and --order go with PRED TRUTH SPEAKER, not with a folder of chunks.")
    models = {"codebook": args.codebook, "predictor": args.predictor, "basis": args.basis}
    evaluate(args.inputs[0], args.samples, args.listener, args.settings, args.out, **models)


def compare(args: Arguments) -> None:
    from l2l.evaluation.compare import compare

    compare(args.reports, args.out, args.metrics)


def register(add: Callable[..., Callable[..., None]]) -> None:
    """Add these commands to the command line; `add` is that of l2l.cli.main."""
    arg = add("evaluate", evaluate, "score PRED TRUTH SPEAKER, or the samples of a folder of chunks, beside baselines")
    arg("inputs", nargs="+", metavar="INPUT", help="PRED TRUTH SPEAKER (.npy or .npz), or a folder of chunks")
    arg("--out", default=Path("eval.json"), help="default: eval.json")
    arg("--order", choices=("exp-pose", "pose-exp"), default="exp-pose", help="arrays: which columns come first")
    arg("--recordings", default=None, metavar="FILE", help="arrays: the recording of each clip, one per line")
    arg("--shifted", default=None, metavar="FILE", help="arrays: predictions (K, N, T, 56) for K shifted speakers")
    arg("--samples", default=None, help="chunks: samples.npz")
    arg(
        "--listener",
        choices=("left", "right"),
        default=None,
        help="chunks: where the listener sits",
    )
    arg("--codebook", default=None, help="chunks: codebook.pt, for its use, random codes and l2_released")
    arg("--predictor", default=None, help="chunks: predictor.pt, to ask the model again")
    arg("--basis", default=None, help="chunks: face_basis.npz, for smiles and blinks")

    arg = add("compare", compare, "put several eval.json into one table", settings=False)
    arg("reports", nargs="+", metavar="eval.json", help="files of evaluate")
    arg("--out", default=Path("compare"), help="writes <out>.csv and <out>.md; default: compare")
    arg("--metrics", nargs="+", type=str, default=[], metavar="NAME", help="numbers to show, e.g. l2.all fd_pooled")
