import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Answers each line of a connection with the next number. A thread for each connection; behind them worker threads that hand every question
 * on through a queue, timers, and memory that the collector has to clean up all the time.
 */
public final class NumberServer {
  private static final int PORT = 7000;
  private static final int WORKERS = 8;
  private static final int TIMERS = 16;
  private static final int KEPT = 2000;

  public static void main(String[] arguments) throws IOException {
    var questions = new ArrayBlockingQueue<Question>(1000);
    for (int worker = 0; worker < WORKERS; worker++) start("worker-" + worker, () -> answer(questions));
    var ticks = new AtomicLong();
    ScheduledExecutorService timers = Executors.newScheduledThreadPool(TIMERS);
    for (int timer = 0; timer < TIMERS; timer++)
      timers.scheduleAtFixedRate(ticks::incrementAndGet, timer, 10, TimeUnit.MILLISECONDS);
    start("litter", () -> litter(ticks));
    try (var listener = new ServerSocket(PORT, 200)) {
      for (int number = 0; ; number++) {
        Socket connection = listener.accept();
        start("connection-" + number, () -> serve(connection, questions));
      }
    }
  }

  private static void serve(Socket connection, ArrayBlockingQueue<Question> questions) {
    try (connection;
        var lines = new BufferedReader(new InputStreamReader(connection.getInputStream(), StandardCharsets.US_ASCII))) {
      connection.setTcpNoDelay(true);
      long number = 0;
      while (lines.readLine() != null) {
        var question = new Question(number);
        questions.put(question);
        number = question.await();
        connection.getOutputStream().write((number + "\n").getBytes(StandardCharsets.US_ASCII));
      }
    } catch (IOException | InterruptedException ended) {
      // The client has gone.
    }
  }

  private static void answer(ArrayBlockingQueue<Question> questions) {
    try {
      while (true) questions.take().next();
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
    }
  }

  private static void litter(AtomicLong ticks) {
    var kept = new ArrayDeque<byte[]>();
    while (true) {
      kept.addLast(new byte[(int) (1000 + ticks.get() % 10_000)]);
      if (kept.size() > KEPT) kept.removeFirst();
      Thread.yield();
      if (kept.size() % 100 == 0) pause();
    }
  }

  private static void pause() {
    try {
      Thread.sleep(1);
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
    }
  }

  private static void start(String name, Runnable work) {
    var thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
  }

  private static final class Question {
    private long number;
    private boolean answered;

    Question(long number) {
      this.number = number;
    }

    synchronized void next() {
      number++;
      answered = true;
      notifyAll();
    }

    synchronized long await() throws InterruptedException {
      while (!answered) wait();
      return number;
    }
  }
}
