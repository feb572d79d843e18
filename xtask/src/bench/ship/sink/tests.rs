//! It is driven as a client would, over a real connection.

use std::io::{Read, Write};

use super::*;

fn say(sink: &Sink, text: &str) -> String {
    let mut stream = TcpStream::connect(sink.address).expect("it listens");
    stream.write_all(text.as_bytes()).expect("it reads");
    stream.shutdown(std::net::Shutdown::Write).expect("it is open");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn an_object_is_dropped_and_its_size_and_sum_are_kept() {
    let sink = Sink::start().expect("there are free ports");
    let put = "PUT /b/a%3Db HTTP/1.1\r\nContent-Length: 5\r\nx-amz-checksum-crc64nvme: c=\r\nIf-None-Match: *\r\nx-amz-content-sha256: ab\r\n\r\nhello";
    let answer = say(&sink, &format!("{put}HEAD /b/a=b HTTP/1.1\r\n\r\n"));
    assert!(
        answer.contains("200 -")
            && answer.contains("Content-Length: 5")
            && answer.ends_with("x-amz-checksum-crc64nvme: c=\r\n\r\n"),
        "{answer}"
    );
    assert!(say(&sink, put).contains(" 412 "));
    assert!(say(&sink, "GET /b/?list-type=2&prefix=a HTTP/1.1\r\n\r\n").contains("<Key>a=b</Key>"));
    let seen = sink.forget();
    assert_eq!((seen.calls, seen.objects, seen.bytes, seen.at_once), (4, 1, 10, 1));
    assert_eq!(seen.told.get("payload signed"), Some(&2));
    assert!(say(&sink, "HEAD /b/a=b HTTP/1.1\r\n\r\n").contains(" 404 "));
}

#[test]
fn an_object_of_parts_is_as_large_as_they_are() {
    let sink = Sink::start().expect("there are free ports");
    let begun = say(&sink, "POST /b/k?uploads HTTP/1.1\r\nx-amz-checksum-type: FULL_OBJECT\r\n\r\n");
    assert!(begun.contains("<UploadId>upload-1</UploadId>"), "{begun}");
    for number in 1..=2 {
        let put = format!(
            "PUT /b/k?partNumber={number}&uploadId=upload-1 HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\nContent-MD5: /w8=\r\n\r\nabc"
        );
        let answer = say(&sink, &put);
        assert!(answer.starts_with("HTTP/1.1 100 ") && answer.contains("ETag: \"ff0f\""), "{answer}");
    }
    assert!(say(&sink, "GET /b?uploads HTTP/1.1\r\n\r\n").contains("<Key>k</Key>"));
    let end = "POST /b/k?uploadId=upload-1 HTTP/1.1\r\nx-amz-checksum-type: FULL_OBJECT\r\n\r\n";
    assert!(say(&sink, end).contains("CompleteMultipartUploadResult"));
    let head = say(&sink, "HEAD /b/k HTTP/1.1\r\n\r\n");
    // What was told twice is said once: twice is not understood.
    assert!(head.contains("Content-Length: 6\r\n") && head.matches("x-amz-checksum-type").count() == 1, "{head}");
    assert!(say(&sink, "POST /b/k?uploadId=upload-1 HTTP/1.1\r\n\r\n").contains("NoSuchUpload"));
    assert!(say(&sink, "GET /b/k HTTP/1.1\r\n\r\n").contains("NotImplemented"));
}
