"""What Singh and Plumbley (ICASSP 2023) report of DCASE 2021's net, beside what is measured."""

# By layer set: parameters, accuracy in % before and after fine-tuning, and the share of MACs in %
# that is saved: as reported, and counted with the next layer's inputs too.
PRUNED = {
    "unpruned": (46_246, None, 48.58, 0.0, 0.0),
    "C1": (42_056, 34.53, 48.06, 1.8, 29.06),
    "C2": (34_461, 27.16, 46.54, 27.35, 29.54),
    "C3": (36_356, 18.29, 46.67, 2.2, 2.19),
    "C1+C2": (31_496, 24.09, 46.41, 29.06, 50.05),
    "C2+C3": (27_021, 15.02, 44.96, 29.54, 31.04),
    "C1+C2+C3": (24_056, 16.24, 44.32, 31.24, 51.56),
}
# Accuracy in % of C1+C2+C3, by the per cent of the data that it is fine-tuned on.
SHARES = {
    100: {"C1+C2+C3": 44.32, "l1": 42.98, "init": 44.45},
    75: {"C1+C2+C3": 44.21, "l1": 43.07, "init": 43.97},
    50: {"C1+C2+C3": 43.27, "l1": 41.95, "init": 41.95},
    25: {"C1+C2+C3": 41.78, "l1": 40.42, "init": 39.90},
    10: {"C1+C2+C3": 38.46, "l1": 36.83, "init": 35.0},
    0: {"C1+C2+C3": 16.23, "l1": 9.67, "init": 10.0},
}
# Kilobytes of TFLite files: float32, float16, uint8.
KILOBYTES = {"C1": (164, 87, 50), "C2": (135, 72, 43), "C1+C2+C3": (96, 53, 33)}
# CPU seconds of the full and of the fast algorithm.
CHOOSING_SECONDS = {"vggish": (34.8, 11.7), "dcase": (0.0626, 0.0107)}
