"""What is compared, by the names that the paper's tables and ours bear (T2S section 4.2)."""

SCRATCH, RANDOM, RANDOMISED, REAL, TASK2SIM = "Scratch", "Random", "Domain Randomization", "Imagenet*", "Task2Sim"
# Not in the paper:
IMPROVED = "Task2Sim, improved"
SINGLE = "Best single setting"  # of the seen tasks together
NEAREST = "Nearest task's best setting"
OPTIMUM = "Best setting of each task"
