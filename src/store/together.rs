//! Group commit: what arrives while a transaction is being made durable goes into the next one, all of it together.
//!
//! A disk makes so many commits a second, whatever is in them. Under load the first in line commits for all who came behind
//! it; alone, one waits for nobody.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Most that go into one transaction, so that the writer is not held for long.
const MOST: usize = 200;

/// Where those wait who want to commit.
pub struct Together<Job, Answer> {
    waiting: Mutex<Vec<(Job, oneshot::Sender<Answer>)>>,
    turn: tokio::sync::Mutex<()>,
}

impl<Job, Answer> Default for Together<Job, Answer> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }
}

impl<Job, Answer> std::fmt::Debug for Together<Job, Answer> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Together").finish_non_exhaustive()
    }
}

impl<Job: Clone, Answer> Together<Job, Answer> {
    /// Has the job committed, alone or with others, and answers what became of it. `commit` answers for each job, in order.
    ///
    /// Whoever is dropped while it commits for others (a client that hung up) leaves them unanswered; they ask again, so a
    /// job must be one that may be done twice.
    pub async fn commit<F, Done>(&self, job: Job, commit: F) -> Answer
    where
        F: Fn(Vec<Job>) -> Done,
        Done: Future<Output = Vec<Answer>>,
    {
        loop {
            let (tell, mut told) = oneshot::channel();
            self.waiting().push((job.clone(), tell));
            loop {
                let turn = tokio::select! {
                    biased;
                    answer = &mut told => match answer {
                        Ok(answer) => return answer,
                        Err(_) => break,
                    },
                    turn = self.turn.lock() => turn,
                };
                let (jobs, tellers): (Vec<Job>, Vec<_>) = {
                    let mut waiting = self.waiting();
                    let count = waiting.len().min(MOST);
                    waiting.drain(..count).unzip()
                };
                let answers = commit(jobs).await;
                for (teller, answer) in tellers.into_iter().zip(answers) {
                    // It was dropped meanwhile: nobody wants to know.
                    let _ = teller.send(answer);
                }
                drop(turn);
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(Job, oneshot::Sender<Answer>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn those_who_come_during_a_commit_share_the_next_one() {
        let (desk, commits) = (Arc::new(Together::<u32, u32>::default()), Arc::new(AtomicUsize::new(0)));
        let mut asking = tokio::task::JoinSet::new();
        for number in 0..100 {
            let (desk, commits) = (Arc::clone(&desk), Arc::clone(&commits));
            asking.spawn(async move {
                let answer = desk
                    .commit(number, |jobs| async {
                        commits.fetch_add(1, Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        jobs.into_iter().map(|job| job * 2).collect()
                    })
                    .await;
                (number, answer)
            });
        }
        for (number, answer) in asking.join_all().await {
            assert_eq!(answer, number * 2);
        }
        assert!(commits.load(Ordering::SeqCst) <= 3, "{commits:?}");
    }

    #[tokio::test]
    async fn those_whose_committer_was_dropped_are_committed_all_the_same() {
        let desk = Arc::new(Together::<u32, u32>::default());
        let other = Arc::clone(&desk);
        let stuck = tokio::spawn(async move { other.commit(1, |_| std::future::pending()).await });
        tokio::task::yield_now().await;
        let other = Arc::clone(&desk);
        let hanging = tokio::spawn(async move { other.commit(2, |jobs| async { jobs }).await });
        tokio::task::yield_now().await;
        stuck.abort();
        let answer = tokio::time::timeout(Duration::from_secs(5), hanging).await;
        assert_eq!(answer.expect("it does not hang").expect("it is not cancelled"), 2);
    }
}
