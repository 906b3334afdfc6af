//! Generates the Pub/Sub client and server from `proto/`, without a protoc binary.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto/pubsub_api.proto");
    println!("cargo::rerun-if-changed=migrations"); // sqlx embeds the folders and would not see a new file
    let contract = protox::compile(["proto/pubsub_api.proto"], ["proto"])?;
    tonic_prost_build::configure().build_server(cfg!(feature = "sandbox")).compile_fds(contract)?;
    Ok(())
}
