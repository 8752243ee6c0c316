//! What protobuf's conformance runner tests: it reads requests from its standard input, each after its
//! length, and answers them. `tests/protobuf-conformance` builds and runs it.

#[cfg(conformance)]
mod testee {
    use cordial::{
        json::{Json, Options},
        prost::Message,
    };
    use json_tests::{
        conformance::{
            ConformanceRequest, ConformanceResponse, FailureSet, TestCategory, WireFormat,
            conformance_request::Payload, conformance_response::Result as Answer,
        },
        protobuf_test_messages::{proto2::TestAllTypesProto2, proto3::TestAllTypesProto3},
    };
    use std::io::{self, ErrorKind, Read, Write};

    pub(crate) fn run() -> io::Result<()> {
        let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
        let mut length = [0; 4];
        loop {
            match input.read_exact(&mut length) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
                read => read?,
            }
            let mut request = vec![0; u32::from_le_bytes(length) as usize];
            input.read_exact(&mut request)?;
            let answer = answer(&ConformanceRequest::decode(request.as_slice())?);
            let response = ConformanceResponse {
                result: Some(answer),
            };
            let response = response.encode_to_vec();
            output.write_all(&(response.len() as u32).to_le_bytes())?;
            output.write_all(&response)?;
            output.flush()?;
        }
    }

    fn answer(request: &ConformanceRequest) -> Answer {
        match request.message_type.as_str() {
            "conformance.FailureSet" => {
                Answer::ProtobufPayload(FailureSet::default().encode_to_vec())
            }
            "protobuf_test_messages.proto2.TestAllTypesProto2" => {
                convert::<TestAllTypesProto2>(request)
            }
            "protobuf_test_messages.proto3.TestAllTypesProto3" => {
                convert::<TestAllTypesProto3>(request)
            }
            other => Answer::Skipped(format!("no messages of type {other}: no editions")),
        }
    }

    fn convert<M: Message + Json + Default>(request: &ConformanceRequest) -> Answer {
        let lenient = request.test_category() == TestCategory::JsonIgnoreUnknownParsingTest;
        let options = Options::new().ignore_unknown_fields(lenient);
        let message = match &request.payload {
            Some(Payload::ProtobufPayload(bytes)) => {
                M::decode(bytes.as_slice()).map_err(|error| error.to_string())
            }
            Some(Payload::JsonPayload(text)) => {
                let message = options.from_str::<M>(text);
                message.map_err(|error| error.to_string())
            }
            _ => return Answer::Skipped("neither bytes nor JSON".to_owned()),
        };
        let message = match message {
            Ok(message) => message,
            Err(error) => return Answer::ParseError(error),
        };
        match request.requested_output_format() {
            WireFormat::Protobuf => Answer::ProtobufPayload(message.encode_to_vec()),
            WireFormat::Json => match options.to_string(&message) {
                Ok(text) => Answer::JsonPayload(text),
                Err(error) => Answer::SerializeError(error.to_string()),
            },
            _ => Answer::Skipped("neither bytes nor JSON".to_owned()),
        }
    }
}

#[cfg(conformance)]
fn main() -> std::io::Result<()> {
    testee::run()
}

#[cfg(not(conformance))]
fn main() {
    eprintln!("Built without protobuf's suite: run tests/protobuf-conformance.");
    std::process::exit(1);
}
