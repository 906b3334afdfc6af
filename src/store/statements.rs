//! One statement, written once, run on whichever database is open.
//!
//! `$1` binds in both dialects. Each macro takes `&mut Tx` or `&Store` (reading outside a transaction), a `&'static str`,
//! and the values to bind. A row type needs `#[derive(sqlx::FromRow)]`.

/// Runs a statement in a transaction and answers how many rows it touched.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        match &mut *$tx {
            $crate::store::Tx::Sqlite(inner) => sqlx::query($sql)$(.bind($value))*
                .execute(&mut **inner).await.map(|done| done.rows_affected()),
            $crate::store::Tx::Postgres(inner) => sqlx::query($sql)$(.bind($value))*
                .execute(&mut **inner).await.map(|done| done.rows_affected()),
        }
        .map_err($crate::store::Error::from)
    };
}

/// Reads all rows in a transaction.
macro_rules! fetch_all {
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        match &mut *$tx {
            $crate::store::Tx::Sqlite(inner) => sqlx::query_as::<_, $row>($sql)$(.bind($value))*
                .fetch_all(&mut **inner).await,
            $crate::store::Tx::Postgres(inner) => sqlx::query_as::<_, $row>($sql)$(.bind($value))*
                .fetch_all(&mut **inner).await,
        }
        .map_err($crate::store::Error::from)
    };
}

/// Reads one row, which must be there.
macro_rules! fetch_one {
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        match &mut *$tx {
            $crate::store::Tx::Sqlite(inner) => sqlx::query_as::<_, $row>($sql)$(.bind($value))*
                .fetch_one(&mut **inner).await,
            $crate::store::Tx::Postgres(inner) => sqlx::query_as::<_, $row>($sql)$(.bind($value))*
                .fetch_one(&mut **inner).await,
        }
        .map_err($crate::store::Error::from)
    };
}

/// Reads one row, if it is there.
macro_rules! fetch_optional {
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        match &mut *$tx {
            $crate::store::Tx::Sqlite(inner) => sqlx::query_as::<_, $row>($sql)$(.bind($value))*
                .fetch_optional(&mut **inner).await,
            $crate::store::Tx::Postgres(inner) => sqlx::query_as::<_, $row>($sql)$(.bind($value))*
                .fetch_optional(&mut **inner).await,
        }
        .map_err($crate::store::Error::from)
    };
}

/// Reads one value, if its row is there.
macro_rules! fetch_scalar {
    ($tx:expr, $value_type:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        match &mut *$tx {
            $crate::store::Tx::Sqlite(inner) => sqlx::query_scalar::<_, $value_type>($sql)$(.bind($value))*
                .fetch_optional(&mut **inner).await,
            $crate::store::Tx::Postgres(inner) => sqlx::query_scalar::<_, $value_type>($sql)$(.bind($value))*
                .fetch_optional(&mut **inner).await,
        }
        .map_err($crate::store::Error::from)
    };
}

pub(crate) use {execute, fetch_all, fetch_one, fetch_optional, fetch_scalar};
