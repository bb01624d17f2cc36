"""What is compared, by the names that the paper's tables and ours bear (T2S section 4.2)."""

SCRATCH, RANDOM, RANDOMISED, REAL, TASK2SIM = "Scratch", "Random", "Domain Randomization", "Imagenet*", "Task2Sim"
# Not in the paper. The best settings are so by their rewards, another evaluation may find better ones.
IMPROVED = "Task2Sim, improved"
SINGLE = "Best single setting, by 5-NN"  # of the seen tasks together
NEAREST = "Nearest task's best setting"
OPTIMUM = "Best setting of each task, by 5-NN"
ORDER = (SCRATCH, RANDOM, RANDOMISED, REAL, TASK2SIM, IMPROVED, SINGLE, NEAREST, OPTIMUM)  # of the tables
