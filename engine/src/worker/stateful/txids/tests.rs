use super::*;

const FRESH: Txids = Txids::restored(TxState { txid: Txid(4), phase: Phase::Committed });

#[test]
fn a_transaction_is_prepared_after_the_committed_one() {
    let mut txids = FRESH;
    assert!(!txids.prepare(Txid(4)));
    assert!(txids.prepare(Txid(5)));
    assert!(txids.prepare(Txid(5)), "again");
    assert!(txids.prepare(Txid(6)));
}

#[test]
fn the_prepared_transaction_is_the_one_that_is_committed() {
    let mut txids = FRESH;
    assert!(txids.prepare(Txid(5)));
    assert!(!txids.commit(Txid(6)));
    assert!(!txids.commit(Txid(4)));
    assert!(txids.commit(Txid(5)));
    assert!(txids.commit(Txid(5)), "a commit may come again");
    assert!(!txids.commit(Txid(4)));
    assert!(!txids.prepare(Txid(5)));
}

#[test]
fn a_rollback_drops_what_is_prepared() {
    let mut txids = FRESH;
    assert!(txids.prepare(Txid(5)));
    txids.roll_back();
    assert_eq!(txids, FRESH);
}

#[test]
fn what_was_prepared_everywhere_can_still_be_committed() {
    let at = |phase| Txids::restored(TxState { txid: Txid(5), phase });
    assert_eq!(at(Phase::Preparing), FRESH);
    let mut decided = at(Phase::Committing);
    assert_eq!(decided.prepared, Some(Txid(5)));
    assert!(decided.commit(Txid(5)));
    assert_eq!(decided, at(Phase::Committed));
}
