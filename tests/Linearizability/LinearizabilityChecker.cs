namespace Raft.Linearizability;

/// <summary>
/// Decides whether a history is linearizable (Herlihy and Wing 1990): whether every operation can be given one moment between its
/// invocation and its answer, so that all answers are those of a single store that does them in that order. Keys that no
/// operation joins are judged one by one, which is enough (locality; P-compositionality, Horn and Kroening 2015).
/// </summary>
/// <remarks>
/// Where answers tell revisions, the order must be theirs on each key. Whether they fit together over all keys, and whether each has
/// its write, is for <see cref="RevisionChecker"/> to say.
/// </remarks>
public static class LinearizabilityChecker
{
    /// <summary>The store is empty when the history begins.</summary>
    /// <param name="history">The operations, in any order.</param>
    /// <param name="configurationsMax">How many different configurations of one group of keys to look at before giving up as undecided.</param>
    public static Verdict Check(IReadOnlyList<Operation> history, int configurationsMax = 5_000_000)
    {
        Verdict verdict = new Verdict.Holds();
        foreach (var partition in Partition.Split(history))
        {
            switch (new OrderSearch(partition, configurationsMax).Run())
            {
                case Verdict.Broken broken:
                    return broken;
                case Verdict.Undecided undecided:
                    verdict = undecided;
                    break;
            }
        }
        return verdict;
    }
}
