class Imago < Formula
  desc "Train variational autoencoders and GANs, explore and serve them"
  homepage "https://github.com/imago-ml/imago"
  version "@VERSION@"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "@BASE@-darwin-arm64.tar.gz"
      sha256 "@DARWIN_ARM64@"
    end
    on_intel do
      url "@BASE@-darwin-amd64.tar.gz"
      sha256 "@DARWIN_AMD64@"
    end
  end
  on_linux do
    on_arm do
      url "@BASE@-linux-arm64.tar.gz"
      sha256 "@LINUX_ARM64@"
    end
    on_intel do
      url "@BASE@-linux-amd64.tar.gz"
      sha256 "@LINUX_AMD64@"
    end
  end

  def install
    bin.install "imago"
    man1.install Dir["man/*.1.gz"]
    bash_completion.install "completions/imago.bash" => "imago"
    zsh_completion.install "completions/imago.zsh" => "_imago"
    fish_completion.install "completions/imago.fish"
  end

  test do
    assert_match "imago", shell_output("#{bin}/imago version")
    system bin/"imago", "sample", "zoo:cnn-vae", "--out", "digits.png"
    assert_path_exists testpath/"digits.png"
  end
end
