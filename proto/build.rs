//! Compiles the two gRPC contracts with protox: no `protoc` is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["push/v1/push.proto", "gateway/v1/gateway.proto"];
    for file in files {
        println!("cargo:rerun-if-changed={file}");
    }
    let descriptors = protox::compile(files, ["."])?;
    tonic_prost_build::configure()
        .bytes(".galaxy")
        .compile_fds(descriptors)?;
    Ok(())
}
